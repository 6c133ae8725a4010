#!/bin/sh
# all.sh: makes everything under formats/ and composed/ anew (about two minutes; see ../README.md for what it needs)
set -e
cd "$(dirname "$0")"
rm -rf ../formats
mkdir ../formats
python3 real.py ../formats hostile-five hostile-more suppressed
python3 real.py ../formats busybox-three
python3 wrap.py ../formats
rm -rf ../composed
mkdir ../composed
python3 compose.py ../composed
