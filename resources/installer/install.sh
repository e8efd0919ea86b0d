#!/bin/sh
# Install the frozen program beside this file for one user, below ~/.local, in the place of one that is there.
# usage: install.sh [--uninstall]
set -eu

name=mtaa-workbench
opt=$HOME/.local/opt/$name
bin=$HOME/.local/bin
share=${XDG_DATA_HOME:-$HOME/.local/share}
desktop=$share/applications/$name.desktop
mime=$share/mime/packages/$name.xml
icon=$share/icons/hicolor/scalable/apps/$name.svg
unfinished=

fail() {
  echo "$1" >&2
  exit 1
}

# What the links led to before stays whole until the new one is.
link() {
  ln -s "$1" "$2.$$"
  mv -f "$2.$$" "$2"
}

put() {
  mkdir -p "$(dirname "$2")"
  cp "$1" "$2.$$"
  mv -f "$2.$$" "$2"
}

# A desktop looks up neither ~/.local/bin nor a path relative to the entry.
entry() {
  grep -Ev '^(Exec|TryExec)=' "$1/$name.desktop"
  printf 'Exec="%s" %%F\nTryExec=%s\n' "$bin/$name" "$bin/$name"
}

tell_desktop() {
  if [ -d "$share/mime/packages" ] && command -v update-mime-database >/dev/null; then
    update-mime-database "$share/mime"
  fi
  if [ -d "$share/applications" ] && command -v update-desktop-database >/dev/null; then
    update-desktop-database "$share/applications"
  fi
}

install_program() {
  here=$(cd -P -- "$(dirname -- "$0")" && pwd)
  if [ ! -x "$here/MTAA Workbench" ] || [ ! -x "$here/mtaa" ]; then
    fail "$here does not hold the built program."
  fi
  case $HOME in
    *[\"\`\$%\\]*) fail "$HOME has characters that an entry of a desktop cannot hold." ;;
  esac
  unfinished=$opt/.$$
  trap 'rm -rf "$unfinished"' EXIT
  trap 'exit 1' INT TERM HUP
  mkdir -p "$opt" "$bin"
  cp -a "$here" "$unfinished"
  now=$opt/$(date +%Y%m%d-%H%M%S)-$$
  mv "$unfinished" "$now"
  link "$now/mtaa" "$bin/mtaa"
  link "$now/MTAA Workbench" "$bin/$name"
  entry "$now" >"$now/entry"
  put "$now/entry" "$desktop"
  put "$now/$name.xml" "$mime"
  put "$now/$name.svg" "$icon"
  for old in "$opt"/* "$opt"/.[0-9]*; do
    [ "$old" = "$now" ] || rm -rf "$old"
  done
  tell_desktop
  echo "Installed. In the applications menu it is MTAA Workbench; on the command line mtaa and $name."
  case :$PATH: in
    *":$bin:"*) ;;
    *) echo "$bin is not in PATH yet; most systems put it there at the next login." ;;
  esac
}

uninstall() {
  for one in "$bin/mtaa" "$bin/$name"; do
    case $(readlink "$one" || true) in
      "$opt"/*) rm -f "$one" ;;  # another program's of that name stays
    esac
  done
  rm -f "$desktop" "$mime" "$icon"
  rm -rf "$opt"
  tell_desktop
  # Without a package, the rest of the folder is what was made from ours.
  ! rmdir "$share/mime/packages" 2>/dev/null || rm -rf "$share/mime"
  if [ -d "$share/applications" ] && [ "$(ls -A "$share/applications")" = mimeinfo.cache ]; then
    rm -f "$share/applications/mimeinfo.cache"
  fi
  for folder in applications icons/hicolor/scalable/apps icons/hicolor/scalable icons/hicolor icons .; do
    rmdir "$share/$folder" 2>/dev/null || true
  done
  rmdir "$bin" "$HOME/.local/opt" 2>/dev/null || true
  rmdir "$share" "$HOME/.local" 2>/dev/null || true
  echo "Uninstalled. Your packs, victims and settings stay where they are."
}

main() {
  case ${1-} in
    '') install_program ;;
    --uninstall) uninstall ;;
    *) fail "usage: install.sh [--uninstall]" ;;
  esac
}

main "$@"
exit  # on this line and not later: the file may be gone by now
