# TensorFlow 2.14.1 is built for CUDA 11.8 and cuDNN 8; this base has both, and Ubuntu 22.04's own Python is 3.10.
# On a machine without a GPU ubuntu:22.04 does as well and is several gigabytes smaller: docker-compose.cpu.yml.
ARG BASE_IMAGE=nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04

# The same base twice: the virtual environment must find in the final image the Python it was made with.
FROM ${BASE_IMAGE} AS builder

# Not pinned: Ubuntu takes an old version away as soon as it publishes a fix for it.
# hadolint ignore=DL3008
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /app
COPY requirements/locks/build.txt requirements/locks/run.txt requirements/locks/
# Only what the locks name, byte for byte. The landmark package alone has no wheel; what it is built with is in the
# first lock. As the Makefile does it.
ENV PIP_NO_CACHE_DIR=1 PIP_REQUIRE_HASHES=1
RUN python3 -m venv /opt/venv \
    && /opt/venv/bin/pip install --only-binary :all: -r requirements/locks/build.txt \
    && /opt/venv/bin/pip install --only-binary :all: --no-binary face-recognition-models --no-build-isolation \
        -r requirements/locks/run.txt

COPY main.py ./
COPY src src
# What the packages carry is laid apart, to be a layer of its own under the code. The modes, because a checkout made
# under a strict umask could not be read by the service's user.
RUN /opt/venv/bin/python -B -m src.services.assets \
    && mkdir /assets \
    && mv src/assets/cascades src/assets/shape_predictor_68_face_landmarks.dat /assets/ \
    && rm -r requirements \
    && chmod -R a+rX /app /assets


FROM ${BASE_IMAGE}

LABEL org.opencontainers.image.title="EyeNet Backend" \
      org.opencontainers.image.description="Finds the eyes in photos and classifies them, with heatmaps" \
      org.opencontainers.image.licenses="MIT"

# hadolint ignore=DL3008
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/*

# cuDNN also tries libnvrtc under its plain name, which NVIDIA ships in development packages only.
RUN for library in /usr/local/cuda/lib64/libnvrtc.so.[0-9]*.[0-9]; do \
        if [ -e "$library" ]; then ln -sf "$library" "${library%.so.*}.so"; fi; \
    done \
    && ldconfig

# The code belongs to root; the service may write to these three folders. The number is fixed so that a folder of the
# host can be handed over: chown 10001:10001.
RUN groupadd --gid 10001 eyenet \
    && useradd --uid 10001 --gid eyenet --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin eyenet \
    && install -d -o eyenet -g eyenet -m 0750 /app/temp_images /app/saved_eyes /var/cache/eyenet

WORKDIR /app
# The large and steady first, the code last: a change of code replaces one small layer and the model.
COPY --from=builder /opt/venv /opt/venv
COPY --from=builder /assets src/assets
COPY --from=builder /app ./

# CUDA_*: for GPUs newer than compute capability 7.5 the wheel holds PTX for most kernels, which the driver translates
# when a kernel is first used. Lazily, and kept in a cache that is larger than the default and that the service may
# write to.
ENV PATH=/opt/venv/bin:$PATH \
    LISTEN_ADDRESS=0.0.0.0 \
    PORT=8000 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CUDA_MODULE_LOADING=LAZY \
    CUDA_CACHE_PATH=/var/cache/eyenet \
    CUDA_CACHE_MAXSIZE=2147483648

USER 10001:10001
EXPOSE 8000
VOLUME ["/app/temp_images", "/app/saved_eyes"]

# The service finishes requests in flight for up to 25 seconds; docker stop kills after 10 unless told --time 35.
STOPSIGNAL SIGTERM

# http.client, because urllib would go through a proxy that Docker's configuration may have set. Five minutes to start
# in, for that first translation; a faster start counts at once.
HEALTHCHECK --interval=15s --timeout=5s --start-period=300s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); c.request('GET', '/health'); sys.exit(c.getresponse().status != 200)"]

CMD ["python", "main.py"]
