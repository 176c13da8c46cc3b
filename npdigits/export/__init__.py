"""A trained network, taken elsewhere: a page to draw digits on, an ONNX file."""
