(() => {
  const faults = [];
  const all = selector => [...document.querySelectorAll(selector)];
  const visible = e => e.checkVisibility();
  const want = (ok, fault) => { if (!ok) faults.push(fault); };

  want(document.documentElement.lang, 'the document has no language');
  want(document.title.length > 'walpost'.length, 'the title says nothing');
  for (const landmark of ['header', 'main', 'footer']) want(all('body > ' + landmark).length === 1, 'no single ' + landmark);
  want(all('h1').length === 1, 'no single h1');
  let level = 0;
  for (const h of all('h1, h2, h3, h4').filter(visible)) {
    const next = Number(h.tagName[1]);
    want(next <= level + 1, 'after h' + level + ' comes h' + next + ': ' + h.textContent);
    level = next;
  }
  for (const svg of all('svg').filter(visible)) {
    want(svg.getAttribute('aria-hidden') === 'true' || svg.getAttribute('role') === 'img' && svg.getAttribute('aria-label'), 'a picture without a name');
  }
  for (const e of all('meter, article, section, [role=region]').filter(visible)) {
    const labelled = document.getElementById(e.getAttribute('aria-labelledby'));
    want(e.getAttribute('aria-label') || labelled && labelled.textContent, 'a ' + e.tagName.toLowerCase() + ' without a name');
  }
  for (const e of all('.scroll').filter(visible)) want(e.tabIndex === 0, 'what scrolls cannot be reached with the keyboard');
  for (const th of all('th').filter(visible)) want(th.scope, 'a heading of a table without a scope: ' + th.textContent);
  want(all('[role=status][aria-live]').length > 0, 'changes are not announced');
  const ids = all('[id]').map(e => e.id);
  want(new Set(ids).size === ids.length, 'an id is there twice');

  // Colours are mixed down to what is painted.
  const parse = text => {
    const n = text.match(/[\d.]+/g).map(Number);
    return {rgb: n.slice(0, 3), alpha: n.length > 3 ? n[3] : 1};
  };
  const over = (top, below) => top.rgb.map((c, i) => c * top.alpha + below[i] * (1 - top.alpha));
  const behind = e => {
    const layers = [];
    for (; e; e = e.parentElement) layers.push(parse(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const luminance = rgb => {
    const [r, g, b] = rgb.map(c => c / 255).map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const contrast = (a, b) => {
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high + .05) / (low + .05);
  };
  let checked = 0;
  for (const e of all('body *').filter(visible)) {
    if (![...e.childNodes].some(n => n.nodeType === Node.TEXT_NODE && n.textContent.trim())) continue;
    if (e.closest('script, style, noscript')) continue;
    const style = getComputedStyle(e), below = behind(e);
    const ink = parse(e instanceof SVGElement ? style.fill : style.color);
    const large = parseFloat(style.fontSize) >= 24 || parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700;
    const ratio = contrast(over(ink, below), below);
    checked++;
    want(ratio >= (large ? 3 : 4.5), 'contrast ' + ratio.toFixed(2) + ' of "' + e.textContent.trim().slice(0, 40) + '"');
  }
  return {Faults: faults, Checked: checked};
})()
