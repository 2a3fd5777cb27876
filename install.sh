#!/bin/sh
# Installs `deployer`: verified, or not at all. docs/install.md describes it, and so does `sh install.sh --help`.
# Nothing runs before the last line, so a script that arrives truncated does nothing.
# shellcheck disable=SC2016 # the backticks in messages are for their readers
set -eu

REPOSITORY=OWNER/deployer
VERSION=0.2.0

usage() {
  cat <<TEXT
Installs deployer. What cannot be verified is not installed.

Usage: install.sh [OPTIONS]

Options:
  --version X.Y.Z        Version to install [default: $VERSION]
  --to DIR               Folder to install into [default: \$XDG_BIN_HOME, or else ~/.local/bin]
  --sha256 DIGEST        SHA-256 that the archive must have, in addition to the checks below
  --require-attestation  Refuse to install unless the attestation is verified and the release was
                         built from a commit on main (needs gh and a login to GitHub)
  --print-sha256         Print the SHA-256 of the archive for this system, and install nothing
  --help                 Print this help

Environment variables:
  DEPLOYER_DOWNLOAD_URL  Mirror of https://github.com/$REPOSITORY/releases/download
  DEPLOYER_ARCHIVES      Folder that keeps archives. One from there is verified like a download.

The archive's SHA-256 must be the one in SHA256SUMS of the release. If gh is on the PATH, the
archive must also have an attestation of the workflow that builds the releases of $REPOSITORY.
TEXT
}

main() {
  version=$VERSION to='' wanted='' strict=no print=no
  while [ $# -gt 0 ]; do
    case $1 in
      --version) value "$@" && version=${2#v} && shift ;;
      --to) value "$@" && to=$2 && shift ;;
      --sha256) value "$@" && wanted=$2 && shift ;;
      --require-attestation) strict=yes ;;
      --print-sha256) print=yes ;;
      --help | -h) usage && return ;;
      *) refuse "unexpected argument \`$1\`" 'run `sh install.sh --help` for the options' ;;
    esac
    shift
  done
  export LC_ALL=C GH_HOST=github.com GH_PROMPT_DISABLED=1 GH_NO_UPDATE_NOTIFIER=1
  work='' created='' child='' kept=''
  check_arguments
  find_target
  find_programs
  # For a trap: stderr may be the file of a program that runs.
  exec 3>&2
  trap clean_up EXIT
  trap 'stop 129' HUP
  trap 'stop 130' INT
  trap 'stop 143' TERM
  if [ "$print" = yes ]; then
    work=$(mktemp -d) || refuse 'could not create a temporary folder' 'set TMPDIR to a folder that you may write to'
    find_sum
    echo "$sum"
    return
  fi
  prepare_folder
  find_sum
  get_archive
  verify_attestation
  unpack
  put_in_place
}

# An error and the next step. Nothing was installed, and `clean_up` leaves no trace.
refuse() { # MESSAGE HINT
  printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
  if [ "${GITHUB_ACTIONS:-}" = true ]; then
    printf '%s\n%s\n' "$1" "$2" | sed 's/%/%25/g' | {
      read -r message
      read -r hint
      printf '::error title=deployer was not installed::%s%%0A%s\n' "$message" "$hint"
    } >&2
  fi
  exit 1
}

stop() { # EXIT-CODE
  [ -z "$child" ] || kill "$child" 2>/dev/null || true
  printf 'error: stopped by a signal: nothing was installed\nhint: run it again\n' >&3
  exit "$1"
}

# Removes the temporary files, and the folders that this run created and left empty.
clean_up() {
  [ -z "$work" ] || rm -rf "$work"
  [ -n "$created" ] || return 0
  folder=$to
  while [ ! -e "$folder" ] || rmdir "$folder" 2>/dev/null; do
    [ "$folder" != "$created" ] || break
    folder=${folder%/*}
  done
}

has() { command -v "$1" >/dev/null 2>&1; }

# Runs a program in the background, since a shell handles a signal only between two programs or while it waits. Sets `code`.
run() {
  "$@" &
  child=$!
  code=0
  wait "$child" || code=$?
  child=''
}

# Without a user name and password.
shown() { printf '%s' "$1" | sed 's#//[^/@]*@#//#'; }

# The last line that the last program wrote to stderr, but for those with which tar ends.
reason() {
  line=$(tr -d '\000-\011\013-\037' <"$work/problem" |
    sed 's#//[^/@ ]*@#//#g; s/^ *//; /^$/d; /Exiting with failure/d; /not recoverable/d; /Child returned/d' | tail -n 1 | cut -c 1-200)
  printf '%s' "${line:-exit code $code}"
}

value() { # OPTION [VALUE] …
  [ $# -ge 2 ] && [ -n "$2" ] || refuse "\`$1\` needs a value" 'run `sh install.sh --help` for the options'
}

check_arguments() {
  case $version in
    *[!0-9A-Za-z.+-]* | .* | *..* | *.) version_is_wrong ;;
    [0-9]*.[0-9]*.[0-9]*) ;;
    *) version_is_wrong ;;
  esac
  case $wanted in *[!0-9a-f]*) sum_is_wrong ;; esac
  [ -z "$wanted" ] || [ ${#wanted} -eq 64 ] || sum_is_wrong
  if [ -z "$to" ]; then
    to=${XDG_BIN_HOME:-}
    [ -n "$to" ] || [ -z "${HOME:-}" ] || to=$HOME/.local/bin
    [ -n "$to" ] || [ "$print" = yes ] || refuse 'HOME is not set, so there is no folder to install into' 'give the folder as `--to DIR`'
  fi
  case $to in /*) ;; *) to=$PWD/$to ;; esac
  [ "$to" = / ] || to=${to%/}
  base=${DEPLOYER_DOWNLOAD_URL:-https://github.com/$REPOSITORY/releases/download}
  base=${base%/}
  case $base in
    https://?*) protocols='=https' ;;
    http://*@*) url_is_wrong ;;
    # Nothing leaves this machine.
    http://localhost[:/]* | http://127.0.0.1[:/]* | 'http://[::1]'[:/]*) protocols='=http,https' ;;
    *) url_is_wrong ;;
  esac
  base=$base/v$version
}

version_is_wrong() { refuse "\`$version\` is not a version" "give one such as \`--version $VERSION\`"; }

sum_is_wrong() { refuse "\`$wanted\` is not a SHA-256" 'give the 64 hexadecimal digits from SHA256SUMS, in lower case'; }

url_is_wrong() { refuse "\`DEPLOYER_DOWNLOAD_URL\` is $(shown "$base"), which is not encrypted" 'give an address that begins with https://'; }

from_source="build it from source: \`cargo install --locked --git https://github.com/$REPOSITORY deployer\`"

# The binaries for Linux are static, so neither the C library nor a 32-bit user space on a 64-bit kernel matters.
find_target() {
  system=$(uname -s) processor=$(uname -m)
  # A shell under Rosetta 2 reports the processor that it emulates.
  if [ "$system $processor" = 'Darwin x86_64' ] && [ "$(sysctl -n hw.optional.arm64 2>/dev/null)" = 1 ]; then processor=arm64; fi
  case "$system $processor" in
    'Linux x86_64' | 'Linux amd64') target=x86_64-unknown-linux-musl ;;
    'Linux aarch64' | 'Linux arm64') target=aarch64-unknown-linux-musl ;;
    'Darwin x86_64') target=x86_64-apple-darwin ;;
    'Darwin arm64') target=aarch64-apple-darwin ;;
    MINGW* | MSYS* | CYGWIN* | Windows*) refuse "there is no deployer for Windows" 'install it in WSL, the Windows Subsystem for Linux' ;;
    *) refuse "there is no deployer for $system on $processor, only for Linux and macOS on x86-64 and arm64" "$from_source" ;;
  esac
  archive=deployer-$target.tar.gz
}

find_programs() {
  # BusyBox's wget may accept any certificate.
  if has curl; then
    client=curl
  elif has wget && ! wget --help 2>&1 | grep -qi busybox; then
    client=wget
  else
    refuse 'neither curl nor GNU wget is installed' 'install curl and run this again'
  fi
  has sha256sum || has shasum || has openssl ||
    refuse 'there is no program to compute a SHA-256: sha256sum, shasum or openssl' 'install one of them and run this again'
  for program in tar gzip mktemp; do
    has "$program" || refuse "\`$program\` is not installed" "install $program and run this again"
  done
}

# The temporary files are in the folder itself: only within one file system does `mv` replace a file in one step.
prepare_folder() {
  missing=$to
  while [ ! -e "$missing" ] && [ -n "$missing" ]; do
    created=$missing
    missing=${missing%/*}
  done
  problem=$(mkdir -p "$to" 2>&1) || refuse "could not create $to: ${problem##*: }" "choose a folder that you may write to with \`--to DIR\`"
  if [ -e "$to/deployer" ] && [ ! -f "$to/deployer" ]; then
    refuse "$to/deployer is not a file" 'remove it, or choose another folder with `--to DIR`'
  fi
  work=$(mktemp -d "$to/.deployer.XXXXXX" 2>&1) || {
    problem=$work work=''
    refuse "could not write to $to: ${problem##*: }" 'choose a folder that you may write to with `--to DIR`'
  }
}

# Downloads a file of the release to $work.
download() { # NAME
  name=$1 url=$base/$1 file=$work/$1 address=$(shown "$base/$1")
  if [ "$client" = curl ]; then
    run curl --silent --show-error --location --max-redirs 5 --proto "$protocols" --proto-redir "$protocols" --tlsv1.2 \
      --connect-timeout 15 --speed-limit 1 --speed-time 30 --max-time 900 --retry 2 --retry-max-time 120 \
      --write-out '%{http_code} %{url_effective}' --output "$file" "$url" >"$work/status" 2>"$work/problem"
    read -r status final <"$work/status" || true # there is no line feed
  else
    set --
    [ "$protocols" != '=https' ] || set -- --https-only --secure-protocol=TLSv1_2
    run wget --server-response --max-redirect=5 "$@" --tries=3 --waitretry=2 --timeout=30 \
      --output-document="$file" "$url" >"$work/status" 2>"$work/problem"
    status=$(sed -n 's#^ *HTTP/[0-9.]* \([0-9]*\).*#\1#p' "$work/problem" | tail -n 1)
    final=$(sed -n 's#^ *[Ll]ocation: \([^ ]*\).*#\1#p' "$work/problem" | tail -n 1)
  fi
  # With `--https-only` wget follows such a redirect all the same.
  if [ "$protocols" = '=https' ] && [ "$client" = wget ] && grep -qi '^ *location: *http:' "$work/problem"; then
    refuse "$address redirects to an address that is not encrypted" 'download from a mirror with DEPLOYER_DOWNLOAD_URL'
  fi
  case ${status:-000} in
    200) ;;
    404) is_missing ;;
    [1-9]*) refuse "could not download $address: the server returned $status" 'run it again later, or download from a mirror with DEPLOYER_DOWNLOAD_URL' ;;
    *)
      refuse_if_full "could not save $address in $to"
      refuse "could not download $address: $(reason)" 'check the network and the proxy in `https_proxy`, and run it again'
      ;;
  esac
  [ "$code" -eq 0 ] || ended_early
  [ -s "$file" ] || refuse "$address is empty" 'run it again, or download from a mirror with DEPLOYER_DOWNLOAD_URL'
  if head -c 1024 "$file" | grep -qi -e '<!doctype html' -e '<html'; then
    refuse "$address is a web page, not the file$(redirected)" \
      'a proxy or a login page is in the way: set `https_proxy`, or download from a mirror with DEPLOYER_DOWNLOAD_URL'
  fi
}

redirected() {
  [ -z "${final:-}" ] || [ "$final" = "$url" ] || printf ': it comes from %s' "$(shown "${final%%\?*}")"
}

ended_early() {
  refuse_if_full "could not save $address in $to"
  refuse "the download of $address ended early: $(reason)" 'run it again'
}

# A full disk has no room for the reason either: then a few bytes more do not fit.
refuse_if_full() { # MESSAGE
  why=$(reason)
  case $why in
    *'(23)'* | *'No space left'* | *'annot write'* | *'rite error'* | *'Wrote only'* | *'too large'*) ;;
    *)
      if head -c 65536 /dev/zero >"$work/space" 2>/dev/null; then
        rm -f "$work/space"
        return 0
      fi
      why='no space is left'
      ;;
  esac
  refuse "$1: $why" 'free space there, or choose another folder with `--to DIR`'
}

is_missing() {
  if [ "$name" != SHA256SUMS ]; then
    refuse "the release v$version has no $name: $address was not found" 'it may still be incomplete: run it again later, or choose another version with `--version`'
  elif [ -n "${DEPLOYER_DOWNLOAD_URL:-}" ]; then
    refuse "there is no release v$version: $address was not found" 'choose a version that this mirror has with `--version`'
  fi
  refuse "there is no release v$version: $address was not found" \
    "choose a version from https://github.com/$REPOSITORY/releases with \`--version\`"
}

# The SHA-256 that the archive must have, from SHA256SUMS of the release.
find_sum() {
  download SHA256SUMS
  sum=''
  while read -r digest of || [ -n "$digest" ]; do
    [ "${of#\*}" != "$archive" ] || sum=$digest
  done <"$file"
  [ -n "$sum" ] || refuse "$address does not list $archive" 'run it again later, or choose another version with `--version`'
  case $sum in *[!0-9a-f]*) sum=x ;; esac
  [ ${#sum} -eq 64 ] || refuse "$address has no SHA-256 for $archive" 'run it again'
  [ -z "$wanted" ] || [ "$wanted" = "$sum" ] ||
    refuse "$archive of v$version has the SHA-256 $sum, not $wanted" 'check `--sha256` and `--version`: they must be of the same release and system'
}

sha256_of() { # FILE
  if has sha256sum; then
    sha256sum
  elif has shasum; then
    shasum -a 256
  else
    openssl dgst -sha256 -r
  fi <"$1" | cut -c 1-64
}

get_archive() {
  kept=${DEPLOYER_ARCHIVES:+$DEPLOYER_ARCHIVES/$sum.tar.gz}
  if [ -n "$kept" ] && [ -f "$kept" ]; then
    # A copy, so that what is unpacked is what was verified.
    cp "$kept" "$work/$archive" || refuse "could not copy $kept" 'delete it, and run this again'
    origin=$kept
  else
    echo "Downloading deployer $version for $target" >&2
    download "$archive"
    origin=$address
  fi
  found=$(sha256_of "$work/$archive")
  [ "$found" = "$sum" ] && return
  if [ "$origin" = "$kept" ]; then
    refuse "$kept has the SHA-256 $found, not $sum" "delete it (in GitHub Actions, the cache \`deployer-$sum\`), and run this again"
  fi
  refuse "$origin has the SHA-256 $found, not $sum as SHA256SUMS says" 'run it again; if the result is the same, do not use this release'
}

verify_attestation() {
  if ! has gh; then
    without_attestation 'gh is not installed'
  elif ! gh attestation verify --help 2>/dev/null | grep -q -e --source-ref; then
    without_attestation 'gh is too old'
  else
    download bundle.jsonl
    run gh attestation verify "$work/$archive" --bundle "$work/bundle.jsonl" --repo "$REPOSITORY" \
      --signer-workflow "$REPOSITORY/.github/workflows/release.yml" --source-ref "refs/tags/v$version" --deny-self-hosted-runners \
      --format json --jq '.[0].verificationResult.signature.certificate.sourceRepositoryDigest' \
      >"$work/commit" 2>"$work/problem"
    [ "$code" -eq 0 ] || no_attestation
    read -r commit <"$work/commit" || true
    [ "$strict" = no ] || require_main
    attestation="verified: built by release.yml of $REPOSITORY from the tag v$version, commit $commit"
  fi
}

without_attestation() { # REASON
  [ "$strict" = no ] || refuse "cannot verify the attestation of $archive: $1" 'install a current gh from https://cli.github.com and run this again'
  attestation="not verified, because $1"
}

no_attestation() {
  # gh's exit code for a missing login.
  [ "$code" -ne 4 ] || refuse "could not verify the attestation of $archive: gh is not logged in" 'log in with `gh auth login` or set GH_TOKEN, and run it again'
  if grep -q -e 'TUF' -e 'trusted root' -e 'dial tcp' -e 'no such host' -e 'i/o timeout' -e 'proxyconnect' -e 'TLS handshake' "$work/problem"; then
    refuse "could not verify the attestation of $archive: gh could not get Sigstore's keys: $(reason)" \
      'allow HTTPS to tuf-repo-cdn.sigstore.dev and tuf-repo.github.com, and run it again'
  fi
  refuse "$archive was not built by release.yml of $REPOSITORY from the tag v$version: $(reason)" \
    'do not use this file; report it to the owners of the repository or of the mirror'
}

# A workflow does what its commit defines. Tags can be on any commit, but what is on main was reviewed.
require_main() {
  run gh api "repos/$REPOSITORY/compare/main...$commit" --jq .status >"$work/status" 2>"$work/problem"
  [ "$code" -eq 0 ] || refuse "could not check that commit $commit is on main of $REPOSITORY: $(reason)" 'log in with `gh auth login` or set GH_TOKEN, and run it again'
  read -r status <"$work/status" || true
  case $status in
    identical | behind) ;;
    *) refuse "v$version was built from commit $commit, which is not on main of $REPOSITORY" 'do not use this release; report it to the owners of the repository' ;;
  esac
}

# Only what is called `deployer`, and only its content: no path and no link of the archive is followed.
unpack() {
  run tar -xzOf "$work/$archive" deployer >"$work/deployer" 2>"$work/problem"
  if [ "$code" -ne 0 ] || [ ! -s "$work/deployer" ]; then
    refuse_if_full "could not unpack $archive in $to"
    refuse "$archive of v$version has no program \`deployer\`: $(reason)" 'choose another version with `--version`'
  fi
  chmod 755 "$work/deployer"
  run "$work/deployer" --version >"$work/status" 2>"$work/problem"
  case "$code $(reason)" in
    # A folder that is mounted `noexec`.
    '126 '*'ermission denied'*) refuse "programs may not run in $to: $(reason)" 'choose another folder with `--to DIR`' ;;
  esac
  [ "$code" -eq 0 ] || refuse "deployer $version does not start on this system: $(reason)" "$from_source"
  program='' found=''
  read -r program found _ <"$work/status" || true
  [ "$program $found" = "deployer $version" ] ||
    refuse "$archive of v$version has another program or version: \`$program $found\`" 'do not use this release; report it to the owners of the repository'
}

put_in_place() {
  if [ -n "$kept" ] && [ ! -f "$kept" ]; then
    { mkdir -p "$DEPLOYER_ARCHIVES" && cp "$work/$archive" "$kept.$$" && mv "$kept.$$" "$kept"; } || rm -f "$kept.$$"
  fi
  # From here on there is one step, and what is printed about it must be true.
  trap '' HUP INT TERM
  if [ -x "$to/deployer" ] && [ "$(sha256_of "$work/deployer")" = "$(sha256_of "$to/deployer")" ]; then
    echo "deployer $version is already in $to: nothing changed"
  else
    problem=$(mv -f "$work/deployer" "$to/deployer" 2>&1) ||
      refuse "could not write $to/deployer: ${problem##*: }" 'choose a folder that you may write to with `--to DIR`'
    echo "Installed deployer $version in $to"
  fi
  created=''
  echo "  SHA-256:     verified: $sum"
  echo "  attestation: $attestation"
  show_path
}

show_path() {
  case ":$PATH:" in
    *":$to:"*) ;;
    *)
      echo "$to is not on your PATH. To add it for this terminal, type:"
      case ${SHELL:-} in
        */fish) echo "  fish_add_path '$to'" ;;
        *) echo "  export PATH=\"$to:\$PATH\"" ;;
      esac
      return
      ;;
  esac
  first=$(command -v deployer || true)
  [ "$first" = "$to/deployer" ] || [ -z "$first" ] || echo "Another deployer comes first on your PATH: $first"
}

{ main "$@"; }
