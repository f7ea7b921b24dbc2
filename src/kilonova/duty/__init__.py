"""Things kept true for ever, one module each; and the keeper, which does them in one process of all at a time.

A duty looks, and mends what it finds; done twice it does nothing more. It is given what it needs, and knows no service.
"""
