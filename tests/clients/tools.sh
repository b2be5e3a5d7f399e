# Where the judges are and how they come there; run and compatible source this. They leave a reason in `missing` if they cannot.
root=$(cd "$here/../.." && pwd)
# A relative CARGO_TARGET_DIR is meant from the root of the repository, as cargo run there means it.
out=$(cd "$root" && mkdir -p "${CARGO_TARGET_DIR:-target}/clients" && cd "${CARGO_TARGET_DIR:-target}/clients" && pwd)
missing=""

# Installs once, and again when what is pinned changes.
installed() { # STAMP FILE
  [ -e "$1" ] && cmp -s "$1" "$2"
}

npm_tools() {
  command -v npm >/dev/null || { missing="npm is not installed"; return 1; }
  if ! installed "$out/node_modules/.installed" "$here/package-lock.json"; then
    cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$out"
    (cd "$out" && npm ci --loglevel=error) >"$out/npm.log" 2>&1 || { missing="npm ci failed: $(grep -m 1 . "$out/npm.log")"; return 1; }
    cp "$here/package-lock.json" "$out/node_modules/.installed"
  fi
  # Some of the generators want Node.js 22.18 or newer; where the machine's is older, the pinned one serves.
  local node candidates=(node "$out"/node_modules/node-linux-{x64,arm64}/bin/node)
  for node in "${candidates[@]}"; do
    node=$(command -v "$node") || continue
    if "$node" -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 22 || (a == 22 && b >= 18) ? 0 : 1)'; then
      PATH=$(cd "$(dirname "$node")" && pwd):$out/node_modules/.bin:$PATH
      return 0
    fi
  done
  missing="Node.js 22.18 or newer is needed"
  return 1
}

python_tools() {
  command -v python3 >/dev/null || { missing="Python 3 is not installed"; return 1; }
  if ! installed "$out/venv/.installed" "$here/requirements.txt"; then
    rm -rf "$out/venv"
    { python3 -m venv "$out/venv" && "$out/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"; } >"$out/pip.log" 2>&1 ||
      { missing="pip install failed: $(tail -n 1 "$out/pip.log")"; rm -rf "$out/venv"; return 1; }
    cp "$here/requirements.txt" "$out/venv/.installed"
  fi
}

cargo_tools() {
  local tool
  for tool in cargo curl; do
    command -v "$tool" >/dev/null || { missing="$tool is not installed"; return 1; }
  done
  cargo fetch --locked --manifest-path "$here/progenitor/Cargo.toml" >"$out/cargo.log" 2>&1 ||
    { missing="cargo fetch failed: $(grep -m 1 '^error' "$out/cargo.log")"; return 1; }
}
