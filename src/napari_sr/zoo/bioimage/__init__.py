"""Model packages of the BioImage Model Zoo (https://bioimage.io): open and run them."""
