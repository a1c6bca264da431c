/** The bundle's own program: a POSIX script that finds the bundle's Node and says what is wrong where that cannot run. */

/** @param glibc the oldest C library on which the bundle's programs run, as `2.34` */
export function launcherScript({ glibc, machine }: { glibc: string; machine: string }): string {
  return `#!/bin/sh
# Parlance without a network: everything that it needs lies in this folder.
#   ./parlance start            runs the pipeline and prints curl lines that work
#   ./parlance model …          models by hand
#   ./parlance replay …         runs a finished batch again
#   ./parlance demo             files through the whole pipeline
#   ./parlance check --cuda     tries everything about a GPU, in ten minutes at most; --device cpu: the same on the CPU
set -u
self=$0
while [ -L "$self" ]; do
  link=$(readlink "$self")
  case $link in /*) self=$link ;; *) self=$(dirname "$self")/$link ;; esac
done
root=$(cd "$(dirname "$self")" && pwd)
node=$root/bin/node
if ! "$node" --version >/dev/null 2>&1; then
  # A machine without the C++ library: the one that lies here.
  LD_LIBRARY_PATH=\${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$root/lib
  export LD_LIBRARY_PATH
  if ! said=$("$node" --version 2>&1); then
    echo "parlance: this bundle runs on Linux on ${machine} with glibc ${glibc} or newer. Here: $said" >&2
    exit 1
  fi
fi
if [ -f "$root/node_modules/onnxruntime-node/bin/napi-v6/linux/${machine}/libonnxruntime_providers_cuda.so" ]; then
  case "\${ASR_DEVICE:-}\${TTS_DEVICE:-} $*" in
    cpucpu*) ;;
    *)
      # What CUDA needs is found before any program starts: the loader reads this variable once.
      folders=$("$node" "$root/services/bundle/dist/find-cuda.js" 2>/tmp/parlance-cuda.$$ || true)
      case "\${ASR_DEVICE:-}\${TTS_DEVICE:-} $*" in *cuda*) cat /tmp/parlance-cuda.$$ >&2 ;; esac
      rm -f /tmp/parlance-cuda.$$
      if [ -n "$folders" ]; then
        LD_LIBRARY_PATH=\${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$folders
        export LD_LIBRARY_PATH
      fi
      ;;
  esac
fi
NATS_SERVER_BIN=\${NATS_SERVER_BIN:-$root/bin/nats-server}
MODEL_HUB=\${MODEL_HUB:-\${HF_ENDPOINT:-off}}
STATE_DIR=\${STATE_DIR:-$root/.parlance}
PATH=$root/bin:$PATH
export NATS_SERVER_BIN MODEL_HUB STATE_DIR PATH
command=\${1:-}
[ $# -gt 0 ] && shift
case $command in
  start) program=services/stack/dist/run.js ;;
  model) program=services/stack/dist/model.js ;;
  replay) program=services/stack/dist/replay.js ;;
  demo) program=integration-tests/dist/demo.js ;;
  check) program=integration-tests/dist/check.js ;;
  *) echo "usage: parlance start | model | replay | demo | check" >&2; exit 2 ;;
esac
exec "$node" "$root/$program" "$@"
`;
}
