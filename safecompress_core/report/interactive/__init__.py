"""Interactive figures of a page: Vega-Lite charts of the data that the static ones draw."""
