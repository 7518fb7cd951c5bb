(function () {
  'use strict';
  var all = function (selector, from) {
    return Array.prototype.slice.call((from || document).querySelectorAll(selector));
  };
  document.documentElement.classList.add('js');

  // Filter and search.
  var form = document.querySelector('.filter');
  var findings = all('.finding').map(function (element) {
    return { element: element, text: element.textContent.toLowerCase() };
  });
  function filter() {
    var severities = all('input[name=severity]', form)
      .filter(function (box) { return box.checked; })
      .map(function (box) { return box.value; });
    var target = form.elements.target.value;
    var words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    var shown = 0;
    findings.forEach(function (finding) {
      var data = finding.element.dataset;
      var fits = severities.indexOf(data.severity) >= 0 &&
        (!target || data.target === target) &&
        words.every(function (word) { return finding.text.indexOf(word) >= 0; });
      finding.element.hidden = !fits;
      if (fits) { shown += 1; }
    });
    all('.group, section.severity').forEach(function (part) {
      part.hidden = !part.querySelector('.finding:not([hidden])');
    });
    form.querySelector('output').textContent = shown === findings.length
      ? '' : shown + ' of ' + findings.length + ' shown';
  }
  if (form) {
    form.addEventListener('input', filter);
    form.addEventListener('submit', function (event) { event.preventDefault(); });
    form.addEventListener('click', function (event) {
      var fold = event.target.getAttribute('data-fold');
      if (fold) {
        findings.forEach(function (finding) { finding.element.open = fold === 'open'; });
      }
    });
    filter();
  }

  // Copy buttons.
  function copy(text) {
    if (navigator.clipboard && window.isSecureContext) {
      return navigator.clipboard.writeText(text);
    }
    return new Promise(function (done, failed) {
      var area = document.createElement('textarea');
      area.value = text;
      document.body.appendChild(area);
      area.select();
      var copied = document.execCommand('copy');
      area.remove();
      if (copied) { done(); } else { failed(); }
    });
  }
  all('.copy').forEach(function (button) {
    button.hidden = false;
    button.addEventListener('click', function () {
      var code = button.parentNode.querySelector('pre');
      copy(code.textContent).then(
        function () { button.textContent = 'Copied'; },
        function () { button.textContent = 'Select and copy'; }
      ).then(function () {
        setTimeout(function () { button.textContent = 'Copy'; }, 1600);
      });
    });
  });

  // A link to a finding opens it; paper shows everything.
  function reveal() {
    var aim = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (aim && aim.tagName === 'DETAILS') { aim.open = true; }
  }
  window.addEventListener('hashchange', reveal);
  reveal();
  var folded = [];
  window.addEventListener('beforeprint', function () {
    folded = all('details:not([open])');
    folded.forEach(function (details) { details.open = true; });
  });
  window.addEventListener('afterprint', function () {
    folded.forEach(function (details) { details.open = false; });
    folded = [];
  });
})();
