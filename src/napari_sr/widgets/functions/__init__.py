"""Forms for functions: upscale a folder, download models, measure, check and save layers."""
