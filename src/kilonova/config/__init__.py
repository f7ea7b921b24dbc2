"""nova.conf's sections and option names, as typed frozen values.

`options` is the one table of all options; `load` makes a `Config` of it and of a file, `sample` prints it for people.
"""
