"""Forms for functions: upscale a folder, download models for offline use, measure layers."""
