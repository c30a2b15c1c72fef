// The terminal's sixteen colours, light and dark, in the tones of the page.
import type { ITheme } from '@xterm/xterm';

const LIGHT: ITheme = {
  background: '#ffffff',
  foreground: '#15262f',
  cursor: '#0c5a73',
  cursorAccent: '#ffffff',
  selectionBackground: '#bcdde7',
  selectionInactiveBackground: '#dbe8ec',
  black: '#15262f',
  red: '#a52a20',
  green: '#17623f',
  yellow: '#7a4f00',
  blue: '#1f4f9e',
  magenta: '#7a3a86',
  cyan: '#0c5a73',
  white: '#5a6b72',
  brightBlack: '#5a6b72',
  brightRed: '#b9392e',
  brightGreen: '#1d7a4f',
  brightYellow: '#8a5c00',
  brightBlue: '#2a63bf',
  brightMagenta: '#8e4a9b',
  brightCyan: '#11708e',
  brightWhite: '#15262f',
};

const DARK: ITheme = {
  background: '#0b1318',
  foreground: '#e2eaeb',
  cursor: '#82c8da',
  cursorAccent: '#0b1318',
  selectionBackground: '#28505f',
  selectionInactiveBackground: '#1d3641',
  black: '#263842',
  red: '#f0938a',
  green: '#84d2a9',
  yellow: '#e6bd6f',
  blue: '#93b8f5',
  magenta: '#d3a3df',
  cyan: '#82c8da',
  white: '#c9d5d8',
  brightBlack: '#8ea2a8',
  brightRed: '#f7ada5',
  brightGreen: '#a3e2c2',
  brightYellow: '#f2d297',
  brightBlue: '#b5cffa',
  brightMagenta: '#e2bfeb',
  brightCyan: '#a9dcea',
  brightWhite: '#f4f8f8',
};

const SYSTEM_DARK = matchMedia('(prefers-color-scheme: dark)');

/** The theme of the page as it is now. */
export function terminalTheme(): ITheme {
  const chosen = document.documentElement.dataset.theme;
  return (chosen ? chosen === 'dark' : SYSTEM_DARK.matches) ? DARK : LIGHT;
}

/** Calls back when the page's theme changes. Returns the way to stop listening. */
export function watchTheme(changed: () => void): () => void {
  document.addEventListener('slipway-theme', changed);
  SYSTEM_DARK.addEventListener('change', changed);
  return () => {
    document.removeEventListener('slipway-theme', changed);
    SYSTEM_DARK.removeEventListener('change', changed);
  };
}
