#!/bin/sh
# Judges what is checked out as a change of a branch, in any CI: gate.sh BRANCH [FOLDER]
#
# Wants Git, and `countersign` on PATH from somewhere that the change cannot touch, as an image is. Keep this file there
# too: one that comes with the change says what the change wants. PULL is the number of the pull request on a forge.
#
# Exits with 0 when the change may be merged, 1 when it may not, 2 when it cannot be judged, 3 when the engine failed.
set -eu

branch=${1:?the branch that the change goes to}
folder=${2:-.}

# A submodule in its place would be judged by a base of its own.
if [ -e "$folder" ] &&
  [ "$(git -C "$folder" rev-parse --show-toplevel)" != "$(git rev-parse --show-toplevel)" ]; then
  echo "gate.sh: $folder is of another repository" >&2
  exit 2
fi

if [ "$(git rev-parse --is-shallow-repository)" = true ]; then
  git fetch --quiet --no-tags --unshallow origin
fi
# Reviews of a repository without a forge are refs.
git fetch --quiet --no-tags origin \
  "+refs/heads/$branch:refs/remotes/origin/$branch" \
  '+refs/countersign/changes/*:refs/countersign/changes/*'

exec countersign gate policy \
  --policy "$folder" \
  --base "refs/remotes/origin/$branch" \
  --head HEAD \
  --pull "${PULL:-1}" \
  --junit countersign.junit.xml \
  --sarif countersign.sarif
