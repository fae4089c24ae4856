/* A CUDA runtime without a card: memory is the computer's, kernels do nothing, and all is counted.

   Functions that stand here do or count something; for all others that ONNX Runtime wants, the
   build adds one that does nothing and says that all went well. The values that the "card"
   computes mean nothing. What fails, and when, is said by variables of the environment:

   STUB_SET_DEVICE=35       no device can be chosen: driver too old (100: none; 209: too old a card)
   STUB_MEMORY=BYTES        the card's memory
   STUB_FAIL=719            this error, as after a crash on the card,
   STUB_FAIL_FROM=N         from the Nth call on that the card has to answer (1: at once)
   STUB_HANG_FROM=N         from the Nth such call on, none comes back

   Sizes and places within CUDA's structures are those of CUDA 13.0's driver_types.h, read with
   offsetof; numbers of attributes and errors are from there as well. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef _Atomic uint64_t counter;
typedef void *handle;

enum { OK = 0, OUT_OF_MEMORY = 2, DRIVER_TOO_OLD = 35, LAUNCH_FAILURE = 719 };
enum { UP = 1, DOWN = 2, ON_CARD = 3 };

/* Read by name from outside. `calls` are those that the card has to answer. */
counter calls, uploads, downloads, copies_on_card, bytes_up, bytes_down, launches, waits;
counter allocations, frees, bytes_allocated, bytes_held, bytes_most;

/* May be set from outside in mid-run. */
counter fail_with, fail_from = 1, hang_from = UINT64_MAX, memory = 8ull << 30;
static int set_device;

static uint64_t number(const char *name, uint64_t otherwise) {
  const char *text = getenv(name);
  return text ? strtoull(text, NULL, 10) : otherwise;
}

__attribute__((constructor)) static void read_environment(void) {
  set_device = (int)number("STUB_SET_DEVICE", OK);
  memory = number("STUB_MEMORY", memory);
  fail_with = number("STUB_FAIL", OK);
  fail_from = number("STUB_FAIL_FROM", fail_from);
  hang_from = number("STUB_HANG_FROM", hang_from);
}

/* What the card says now, without a call more. */
static int state(void) { return calls >= fail_from ? (int)fail_with : OK; }

/* One call more. */
static int answer(void) {
  calls++;
  while (calls >= hang_from) pause();
  return state();
}

/* The device and what it is. */

int cudaGetDeviceCount(int *count) {
  *count = set_device ? 0 : 1;
  return set_device;
}

int cudaSetDevice(int device) {
  (void)device;
  return set_device;
}

int cudaGetDevice(int *device) {
  *device = 0;
  return set_device;
}

int cudaDriverGetVersion(int *version) {
  *version = (int)number("STUB_DRIVER", 13000);
  return OK;
}

int cudaRuntimeGetVersion(int *version) {
  *version = 13000;
  return OK;
}

enum { PROPERTIES = 1008, POINTER_ATTRIBUTES = 88, FUNCTION_ATTRIBUTES = 144 };

static void put_int(void *structure, size_t place, int value) {
  memcpy((char *)structure + place, &value, sizeof value);
}

static void put_size(void *structure, size_t place, size_t value) {
  memcpy((char *)structure + place, &value, sizeof value);
}

int cudaGetDeviceProperties(void *properties, int device) {
  (void)device;
  memset(properties, 0, PROPERTIES);
  strcpy(properties, "Stub card");
  put_size(properties, 288, memory);
  put_size(properties, 296, 49152);      /* sharedMemPerBlock */
  put_int(properties, 304, 65536);       /* regsPerBlock */
  put_int(properties, 308, 32);          /* warpSize */
  put_int(properties, 320, 1024);        /* maxThreadsPerBlock */
  put_int(properties, 324, 1024);        /* maxThreadsDim: x, y, z */
  put_int(properties, 328, 1024);
  put_int(properties, 332, 64);
  put_int(properties, 336, 2147483647);  /* maxGridSize: x, y, z */
  put_int(properties, 340, 65535);
  put_int(properties, 344, 65535);
  put_size(properties, 352, 65536);      /* totalConstMem */
  put_int(properties, 360, 8);           /* major, minor */
  put_int(properties, 364, 9);
  put_int(properties, 384, 24);          /* multiProcessorCount */
  put_int(properties, 596, 32 << 20);    /* l2CacheSize */
  put_int(properties, 604, 1536);        /* maxThreadsPerMultiProcessor */
  put_size(properties, 624, 102400);     /* sharedMemPerMultiprocessor */
  put_int(properties, 632, 65536);       /* regsPerMultiprocessor */
  put_size(properties, 672, 101376);     /* sharedMemPerBlockOptin */
  put_int(properties, 720, 1);           /* memoryPoolsSupported */
  return OK;
}

int cudaDeviceGetAttribute(int *value, int attribute, int device) {
  (void)device;
  switch (attribute) {
    case 1: *value = 1024; break;      /* MaxThreadsPerBlock */
    case 8: *value = 49152; break;     /* MaxSharedMemoryPerBlock */
    case 10: *value = 32; break;       /* WarpSize */
    case 16: *value = 24; break;       /* MultiProcessorCount */
    case 38: *value = 32 << 20; break; /* L2CacheSize */
    case 39: *value = 1536; break;     /* MaxThreadsPerMultiProcessor */
    case 75: *value = 8; break;        /* ComputeCapabilityMajor, Minor */
    case 76: *value = 9; break;
    case 81: *value = 102400; break;   /* MaxSharedMemoryPerMultiprocessor */
    case 97: *value = 101376; break;   /* MaxSharedMemoryPerBlockOptin */
    default: *value = 1;
  }
  return OK;
}

int cudaPointerGetAttributes(void *attributes, const void *pointer) {
  memset(attributes, 0, POINTER_ATTRIBUTES);
  put_int(attributes, 0, 2); /* type: the card's */
  put_size(attributes, 8, (size_t)pointer);
  return OK;
}

int cudaFuncGetAttributes(void *attributes, const void *function) {
  (void)function;
  memset(attributes, 0, FUNCTION_ATTRIBUTES);
  put_int(attributes, 24, 1024);   /* maxThreadsPerBlock */
  put_int(attributes, 28, 32);     /* numRegs */
  put_int(attributes, 32, 89);     /* ptxVersion */
  put_int(attributes, 36, 89);     /* binaryVersion */
  put_int(attributes, 44, 101376); /* maxDynamicSharedSizeBytes */
  return OK;
}

int cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks) {
  *blocks = 2;
  return OK;
}

/* Memory. How much was asked for stands before each piece. */

enum { BEFORE = 256 };

static int allocate(void **pointer, size_t size) {
  int failed = answer();
  *pointer = NULL;
  if (failed) return failed;
  if (bytes_held + size > memory) return OUT_OF_MEMORY;
  size_t whole = (size + 2 * BEFORE - 1) / BEFORE * BEFORE;
  char *piece = aligned_alloc(BEFORE, whole);
  if (!piece) return OUT_OF_MEMORY;
  memset(piece, 0, whole);
  put_size(piece, 0, size);
  allocations++;
  bytes_allocated += size;
  bytes_held += size;
  if (bytes_held > bytes_most) bytes_most = bytes_held;
  *pointer = piece + BEFORE;
  return OK;
}

static int release(void *pointer) {
  if (!pointer) return OK;
  char *piece = (char *)pointer - BEFORE;
  size_t size;
  memcpy(&size, piece, sizeof size);
  frees++;
  bytes_held -= size;
  free(piece);
  return state();
}

int cudaMalloc(void **pointer, size_t size) { return allocate(pointer, size); }

int cudaMallocFromPoolAsync(void **pointer, size_t size) { return allocate(pointer, size); }

int cudaFree(void *pointer) { return release(pointer); }

int cudaFreeAsync(void *pointer) { return release(pointer); }

int cudaMallocHost(void **pointer, size_t size) {
  *pointer = calloc(1, size + 64);
  return state();
}

int cudaHostAlloc(void **pointer, size_t size) { return cudaMallocHost(pointer, size); }

int cudaFreeHost(void *pointer) {
  free(pointer);
  return state();
}

int cudaMemGetInfo(size_t *free_bytes, size_t *all) {
  *all = memory;
  *free_bytes = memory - bytes_held;
  return state();
}

/* Copies. */

static void count_copy(size_t size, int direction) {
  if (direction == UP) {
    uploads++;
    bytes_up += size;
  } else if (direction == DOWN) {
    downloads++;
    bytes_down += size;
  } else if (direction == ON_CARD) {
    copies_on_card++;
  }
}

int cudaMemcpyAsync(void *to, const void *from, size_t size, int direction) {
  int failed = answer();
  if (failed) return failed;
  if (size) memmove(to, from, size);
  count_copy(size, direction);
  return OK;
}

int cudaMemcpy(void *to, const void *from, size_t size, int direction) {
  waits++;
  return cudaMemcpyAsync(to, from, size, direction);
}

int cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width,
                      size_t height, int direction) {
  int failed = answer();
  if (failed) return failed;
  for (size_t row = 0; row < height; row++)
    memmove((char *)to + row * to_pitch, (const char *)from + row * from_pitch, width);
  count_copy(width * height, direction);
  return OK;
}

int cudaMemsetAsync(void *to, int value, size_t size) {
  int failed = answer();
  if (!failed) memset(to, value, size);
  return failed;
}

int cudaMemset(void *to, int value, size_t size) { return cudaMemsetAsync(to, value, size); }

/* Work on the card, and waiting for it. */

static int launch(void) {
  launches++;
  return answer();
}

int cudaLaunchKernel(void) { return launch(); }

int __cudaLaunchKernel(void) { return launch(); }

int cudaLaunchKernelExC(void) { return launch(); }

int cudaLaunchCooperativeKernel(void) { return launch(); }

static int wait_for_card(void) {
  waits++;
  return answer();
}

int cudaStreamSynchronize(handle stream) {
  (void)stream;
  return wait_for_card();
}

int cudaDeviceSynchronize(void) { return wait_for_card(); }

int cudaEventSynchronize(handle event) {
  (void)event;
  return wait_for_card();
}

int cudaGetLastError(void) { return state(); }

int cudaPeekAtLastError(void) { return state(); }

int cudaStreamIsCapturing(handle stream, int *capturing) {
  (void)stream;
  *capturing = 0;
  return OK;
}

int cudaEventElapsedTime(float *milliseconds) {
  *milliseconds = 1;
  return OK;
}

/* What is handed out is never looked into; none is given back. */

static int hand_out(handle *given) {
  static char thing[64];
  *given = thing;
  return state();
}

int cudaStreamCreate(handle *stream) { return hand_out(stream); }

int cudaStreamCreateWithFlags(handle *stream) { return hand_out(stream); }

int cudaEventCreate(handle *event) { return hand_out(event); }

int cudaEventCreateWithFlags(handle *event) { return hand_out(event); }

int cudaMemPoolCreate(handle *pool) { return hand_out(pool); }

int cudaLibraryLoadData(handle *library) { return hand_out(library); }

int cudaLibraryGetKernel(handle *kernel) { return hand_out(kernel); }

handle *__cudaRegisterFatBinary(void *binary) {
  static handle registered[4];
  (void)binary;
  return registered;
}

int cudaGetDriverEntryPointByVersion(const char *name, void **function, unsigned version,
                                     unsigned long long flags, int *found) {
  (void)name, (void)version, (void)flags;
  *function = NULL;
  if (found) *found = 1; /* not found */
  return OK;
}

const char *cudaGetErrorName(int error) {
  return error == LAUNCH_FAILURE ? "cudaErrorLaunchFailure" : "cudaErrorOfTheStub";
}

const char *cudaGetErrorString(int error) {
  if (error == OUT_OF_MEMORY) return "out of memory";
  if (error == DRIVER_TOO_OLD) return "CUDA driver version is insufficient for CUDA runtime version";
  return "an error of the stub";
}
