"""Software installed on a cluster: the catalogue, the plan of a spec's extensions, and their resources.

`catalogue/` holds what is known of each, as data; `planning.py` decides, purely, what of it is installed, in which
order and with which values, and what a plan says of it; `install.py` declares the resources. Charts are rendered and
applied by Helm, never by code of our own.
"""

from typing import Final

# What an extension is called in a state: here, so that a state is read without all that installs them.
TYPE: Final = "inferstack:extensions:Extension"
