// Runs before the first paint, so that a chosen theme never flashes. Not a module: modules wait for the page.
try {
  const chosen = localStorage.getItem('marketlab.theme')
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen
} catch {
  // Storage can be forbidden; the system's theme holds then.
}
