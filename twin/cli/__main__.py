"""``python -m twin.cli`` is the ``rackline`` command."""

from twin.cli import main

main()
