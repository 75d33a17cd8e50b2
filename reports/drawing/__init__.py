"""What is drawn: curves sorted into panels, the paper's figures, the flow map, and their inline SVG."""
