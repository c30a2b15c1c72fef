// Serves the theme script as a file of its own: it must run before the first paint, and the CSP forbids inline scripts.
import source from '../client/early-theme.js?raw';

export function GET(): Response {
  return new Response(source, { headers: { 'content-type': 'text/javascript; charset=utf-8' } });
}
