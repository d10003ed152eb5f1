"""Tables of X-ray lines, levels and attenuation of the elements 1 to 98."""
