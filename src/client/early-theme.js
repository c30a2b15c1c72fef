// Runs before the first paint: puts the reader's theme and the workbench's divider where they were, so that nothing jumps.
try {
  const chosen = JSON.parse(localStorage.getItem('slipway-theme') ?? 'null');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
  const split = Number(JSON.parse(localStorage.getItem('slipway-split') ?? '0'));
  if (split >= 25 && split <= 70) document.documentElement.style.setProperty('--split', `${split}%`);
} catch {
  // Storage may be forbidden; then the system's own choice stands.
}
document.documentElement.dataset.scripts = '';
