"""Photos of citizens and crews, made clean: any bytes in, a bare JPEG or a refusal out.

`apart.cleaned` is the door. What is hostile is decoded in a process of its own (`child`), which
`limits` holds and which gets no settings, no secrets and no files; what it answers is parsed again
(`jpeg`) by the one who asked, so that even a decoder taken over gives away nothing but a picture.
"""
