"""A picture written with libpng's simplified interface and read back: `loadstone bind png.h --library png16 ...`."""

import sys

import png_binding as png

WIDTH, HEIGHT, FILE = 4, 2, sys.argv[1].encode()
pixels = bytes(range(WIDTH * HEIGHT * 3))
image = png.png_image(version=png.PNG_IMAGE_VERSION, width=WIDTH, height=HEIGHT, format=png.PNG_FORMAT_RGB)
assert png.png_image_write_to_file(image, FILE, 0, pixels, 0, None), image.message
again = png.png_image(version=png.PNG_IMAGE_VERSION)
assert png.png_image_begin_read_from_file(again, FILE), again.message
again.format = png.PNG_FORMAT_RGB
content = bytearray(again.width * again.height * 3)
assert png.png_image_finish_read(again, None, content, 0, None), again.message
print(again.width, again.height, bytes(content) == pixels)
