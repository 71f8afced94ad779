"""Videos of citizens and crews, made clean: any bytes in, a bare MP4 and a still of it out.

`apart.cleaned` is the door. As with photos, what is hostile is decoded in a process of its own, and
its answer is parsed again, box by box (`mp4`), by the one who asked.
"""
