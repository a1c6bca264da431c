import { describe, expect, it } from "vitest";
import { readSettings, suspiciousNames } from "./read-settings.ts";
import { settingsTable } from "./settings.ts";

describe("settings", () => {
  it("defaults are values that the schemas accept", () => {
    expect(readSettings(["PORT", "MAX_BATCH_SIZE", "IDLE_TIMEOUT", "API_KEYS", "ENABLE_ASR"], {})).toEqual({
      PORT: 8100,
      MAX_BATCH_SIZE: 16,
      IDLE_TIMEOUT: 120,
      API_KEYS: [],
      ENABLE_ASR: true,
    });
  });

  it.each([
    ["ASR_MODEL_ID", "MODEL_ID", "whisper-base"],
    ["ASR_BATCH_SIZE", "MAX_BATCH_SIZE", "8"],
    ["ASR_MAX_BATCH_SIZE", "MAX_BATCH_SIZE", "8"],
    ["ASR_CACHE_DIR", "ASR_MODEL_ROOT", "models"],
    ["ENABLE_FASTER_WHISPER", "ENABLE_ASR", "false"],
    ["HF_ENDPOINT", "MODEL_HUB", "http://127.0.0.1:1"],
    ["HF_TOKEN", "MODEL_HUB_TOKEN", "hf_x"],
  ] as const)("%s is another name of %s", (alias, name, value) => {
    expect(String(readSettings([name], { [alias]: value })[name])).toBe(value);
  });

  it("a bad value stops the start and names the setting", () => {
    expect(() => readSettings(["PORT"], { PORT: "eighty" })).toThrow(/^PORT: .*"eighty"/);
    expect(() => readSettings(["MAX_BATCH_SIZE"], { ASR_BATCH_SIZE: "33" })).toThrow(/^ASR_BATCH_SIZE: /);
    expect(() => readSettings(["ASR_DEVICE"], { ASR_DEVICE: "tpu" })).toThrow(/^ASR_DEVICE: must be auto/);
  });

  it("two names of one setting that disagree stop the start", () => {
    expect(() => readSettings(["MODEL_ID"], { MODEL_ID: "a", ASR_MODEL_ID: "b" })).toThrow(/MODEL_ID and ASR_MODEL_ID/);
    const batch = { ASR_BATCH_SIZE: "8", ASR_MAX_BATCH_SIZE: "16" };
    expect(() => readSettings(["MAX_BATCH_SIZE"], batch)).toThrow(
      /ASR_MAX_BATCH_SIZE and ASR_BATCH_SIZE name one setting/,
    );
    expect(readSettings(["MODEL_ID"], { MODEL_ID: "a", ASR_MODEL_ID: "a" }).MODEL_ID).toBe("a");
  });

  it("a misspelt setting stops the start", () => {
    expect(() => readSettings(["PORT"], { ASR_DEVISE: "cpu" })).toThrow(/ASR_DEVISE is not a setting/);
    expect(() => readSettings(["PORT"], { IDLE_TIMOUT: "5" })).toThrow(
      "IDLE_TIMOUT is not a setting of Parlance: did you mean IDLE_TIMEOUT?",
    );
  });

  it.each([
    ["IDEL_TIMEOUT", "IDLE_TIMEOUT"],
    ["idle_timeout", "IDLE_TIMEOUT"],
    ["IDLETIMEOUT", "IDLE_TIMEOUT"],
    ["MAX_BACTH_SIZE", "MAX_BATCH_SIZE"],
    ["METRIC_PORT", "METRICS_PORT"],
    ["NATS_REPLICA", "NATS_REPLICAS"],
    ["RESULTS_TTL", "RESULT_TTL"],
    ["MODEL_IDS", "MODEL_ID"],
    ["OMP_NUM_THREAD", "OMP_NUM_THREADS"],
    ["TRANSCRIBE_WORKER", "TRANSCRIBE_WORKERS"],
  ])("%s stops the start and names %s", (name, meant) => {
    expect(() => readSettings(["PORT"], { [name]: "1" })).toThrow(
      `${name} is not a setting of Parlance: did you mean ${meant}?`,
    );
  });

  it.each([
    ["MODEL_DIR", "MODEL_ID"],
    ["NATS_HOST", "NATS_PORT"],
    ["STATIC_DIR", "STATE_DIR"],
    ["port", "PORT"],
  ])("%s may be another program's: it is told, and stops nothing", (name, meant) => {
    expect(readSettings(["IDLE_TIMEOUT"], { [name]: "x" }).IDLE_TIMEOUT).toBe(120);
    expect(suspiciousNames({ [name]: "x" })).toEqual([{ name, meant, kind: "suspicion" }]);
  });

  it("every variable within two letters of a setting's longer name is told", () => {
    const all = Object.keys(settingsTable).filter((name) => name.length > 6);
    for (const name of all) {
      for (const near of [name.slice(1), `${name.slice(0, 2)}${name.slice(4)}`, `${name}XX`, `QQ${name.slice(2)}`]) {
        if (near in settingsTable) continue;
        const told = suspiciousNames({ [near]: "1" }).length > 0;
        expect(told, near).toBe(true);
      }
    }
  });

  it("no variable that systems, shells, build servers and clusters set is taken for a misspelt one", () => {
    const usual = `PATH HOME PORTS HOSTS POST LANG LC_ALL PWD OLDPWD SHELL SHLVL TERM USER LOGNAME MAIL EDITOR PAGER TMPDIR TZ _ HOSTNAME HOSTTYPE
      DISPLAY XAUTHORITY XDG_RUNTIME_DIR XDG_SESSION_ID XDG_DATA_DIRS DBUS_SESSION_BUS_ADDRESS SSH_AUTH_SOCK SSH_CLIENT SSH_TTY GPG_AGENT_INFO
      LS_COLORS COLORTERM LESSOPEN DEBIAN_FRONTEND DEBUG NO_COLOR FORCE_COLOR CI CI_JOB_ID CI_NODE_TOTAL GITHUB_TOKEN GITHUB_ACTIONS GITHUB_REF
      GH_TOKEN GITLAB_CI RUNNER_OS RUNNER_TEMP NODE_ENV NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NODE_VERSION YARN_VERSION NVM_DIR npm_command
      npm_config_cache npm_config_user_agent npm_lifecycle_event npm_package_json npm_node_execpath INIT_CWD HTTP_PROXY HTTPS_PROXY NO_PROXY
      http_proxy https_proxy no_proxy ALL_PROXY SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE REQUESTS_CA_BUNDLE PYTHONPATH PYTHONUNBUFFERED
      VIRTUAL_ENV CONDA_PREFIX PIP_CACHE_DIR HF_HOME HF_HUB_OFFLINE HF_HUB_CACHE TRANSFORMERS_CACHE TORCH_HOME CUDA_VISIBLE_DEVICES CUDA_HOME
      CUDA_VERSION NVIDIA_VISIBLE_DEVICES NVIDIA_DRIVER_CAPABILITIES LD_LIBRARY_PATH LD_PRELOAD MALLOC_ARENA_MAX OPENBLAS_NUM_THREADS
      BLIS_NUM_THREADS NUMEXPR_NUM_THREADS VECLIB_MAXIMUM_THREADS MKL_DYNAMIC OMP_DYNAMIC OMP_PROC_BIND KMP_AFFINITY ORT_NUM_THREADS JAVA_HOME
      GOPATH GOROOT CARGO_HOME RUSTUP_HOME DOCKER_HOST COMPOSE_PROJECT_NAME KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT KUBERNETES_PORT
      KUBERNETES_PORT_443_TCP_ADDR NATS_SERVICE_HOST NATS_SERVICE_PORT NATS_PORT_4222_TCP ASR_SERVICE_HOST TTS_PORT_8100_TCP_PROTO POD_NAME
      POD_IP OPENAI_API_KEY ANTHROPIC_API_KEY APP_KEY ENABLE_TLS DATABASE_URL REDIS_URL REDIS_HOST SECRET_KEY AWS_REGION AWS_PROFILE
      OTEL_SERVICE_NAME OTEL_EXPORTER_OTLP_ENDPOINT LOGLEVEL LOG_FILE LOGS_DIR SERVICE_NAME SYSTEMD_EXEC_PID INVOCATION_ID JOURNAL_STREAM
      MEMORY_PRESSURE_WATCH WSL_DISTRO_NAME TMUX STY VITEST VITEST_WORKER_ID`;
    const environment = Object.fromEntries(usual.split(/\s+/).map((name) => [name, "x"]));
    expect(suspiciousNames(environment)).toEqual([]);
    expect(readSettings(["PORT"], environment).PORT).toBe(8100);
  });

  it.each(["True", "TRUE", "1", "Yes", "on", " true "])("a switch takes %j", (text) => {
    expect(readSettings(["ENABLE_ASR"], { ENABLE_ASR: text }).ENABLE_ASR).toBe(true);
  });

  it.each(["False", "0", "No", "OFF"])("a switch takes %j", (text) => {
    expect(readSettings(["ENABLE_TTS"], { ENABLE_TTS: text }).ENABLE_TTS).toBe(false);
  });

  it("words are taken in any case, and another one is told what there is", () => {
    const settings = readSettings(["ASR_DEVICE", "ASR_COMPUTE_TYPE", "LOG_LEVEL"], {
      ...{ ASR_DEVICE: "CUDA:1", ASR_COMPUTE_TYPE: "Int8", LOG_LEVEL: "INFO" },
    });
    expect(settings).toEqual({ ASR_DEVICE: "cuda:1", ASR_COMPUTE_TYPE: "int8", LOG_LEVEL: "info" });
    expect(() => readSettings(["TTS_COMPUTE_TYPE"], { TTS_COMPUTE_TYPE: "bfloat16" })).toThrow(
      'TTS_COMPUTE_TYPE: must be auto, int8, int4, float16 or float32 (it is "bfloat16")',
    );
    expect(() => readSettings(["ENABLE_ASR"], { ENABLE_ASR: "maybe" })).toThrow(/^ENABLE_ASR: must be true, false, 1/);
  });

  it("threads are limited by everybody's variables, unless by our own", () => {
    const threads = (environment: Record<string, string>) =>
      readSettings(["ENGINE_THREADS"], environment).ENGINE_THREADS;
    expect(threads({ MKL_NUM_THREADS: "2" })).toBe(2);
    expect(threads({ OMP_NUM_THREADS: "3", MKL_NUM_THREADS: "2" })).toBe(3);
    expect(threads({ OMP_NUM_THREADS: "4,2" })).toBe(4);
    expect(threads({ ENGINE_THREADS: "1", OMP_NUM_THREADS: "3", MKL_NUM_THREADS: "2" })).toBe(1);
  });

  it("a secret's value is never shown", () => {
    expect(() => readSettings(["API_KEYS"], { API_KEYS: "a", API_KEY: "b" })).toThrow(
      /^API_KEYS and API_KEY name one setting/,
    );
    expect(() => readSettings(["MODEL_HUB_TOKEN"], { HF_TOKEN: "se cret" })).toThrow(/^HF_TOKEN: must be one word$/);
  });
});
