"""npdigits: experiments with a neural network for handwritten digits, from scratch on NumPy."""
