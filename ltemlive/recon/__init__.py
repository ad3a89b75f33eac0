"""The phase reconstruction: the only room that knows TensorFlow."""
