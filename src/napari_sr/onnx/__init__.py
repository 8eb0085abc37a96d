"""Export of networks as ONNX files."""
