// What folium leaves to the page: colours of the reader's scheme, layers by check box, the view.
window.addEventListener('load', () => {
  const place = document.querySelector('.folium-map');
  const map = window[place.id];
  const boxes = [...document.querySelectorAll('input[data-layer]')];
  const colour = (of) =>
    getComputedStyle(document.documentElement).getPropertyValue(`--${of}`).trim();

  function paint() {
    // From afar thick borders would be all that is seen of small wards.
    const weight = map.getZoom() < 11 ? 0.7 : 1.6;
    const [seam, ...colours] = ['seam', 'moves', 'split', 'stays', 'lost', 'gained'].map(colour);
    const fills = Object.fromEntries(
      ['moves', 'split', 'stays', 'lost', 'gained'].map((of, i) => [of, colours[i]]),
    );
    for (const { dataset } of boxes) {
      const border = dataset.border && { color: colour(dataset.border), weight };
      window[dataset.layer].setStyle(
        (piece) => border || { fillColor: fills[piece.properties.what], color: seam },
      );
    }
  }

  for (const box of boxes) {
    const layer = window[box.dataset.layer];
    const show = () => (box.checked ? map.addLayer(layer) : map.removeLayer(layer));
    box.addEventListener('change', show);
    // A browser may bring back what was chosen before the page was loaded again.
    show();
  }
  map.attributionControl.setPrefix('Leaflet');
  map.invalidateSize();
  map.fitBounds(JSON.parse(document.querySelector('.map').dataset.bounds), { padding: [12, 12] });
  paint();
  map.on('zoomend', paint);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paint);
});
