/* The driver without a card, for whoever asks it what there is.

   STUB_DRIVER=12040          the newest CUDA that it knows: 12.4
   STUB_DEVICES=0             how many cards there are
   STUB_CAPABILITY=61         a card of compute capability 6.1
   STUB_MEMORY=BYTES          its memory
   STUB_INIT=999              what cuInit says (100: no device) */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { OK = 0, NO_DEVICE = 100, INVALID_DEVICE = 101 };
enum { MAJOR = 75, MINOR = 76 }; /* CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_..., cuda.h */

static unsigned long long number(const char *name, unsigned long long otherwise) {
  const char *text = getenv(name);
  return text ? strtoull(text, NULL, 10) : otherwise;
}

static int devices(void) { return (int)number("STUB_DEVICES", 1); }

static size_t memory(void) { return number("STUB_MEMORY", 8ull << 30); }

int cuInit(unsigned flags) {
  (void)flags;
  return (int)number("STUB_INIT", devices() ? OK : NO_DEVICE);
}

int cuDriverGetVersion(int *version) {
  *version = (int)number("STUB_DRIVER", 13000);
  return OK;
}

int cuDeviceGetCount(int *count) {
  *count = devices();
  return OK;
}

int cuDeviceGet(int *device, int ordinal) {
  *device = ordinal;
  return ordinal < devices() ? OK : INVALID_DEVICE;
}

int cuDeviceGetName(char *name, int length, int device) {
  (void)device;
  snprintf(name, (size_t)length, "Stub card");
  return OK;
}

int cuDeviceGetPCIBusId(char *bus, int length, int device) {
  snprintf(bus, (size_t)length, "0000:%02x:00.0", (unsigned)device + 1);
  return OK;
}

int cuDeviceComputeCapability(int *major, int *minor, int device) {
  int capability = (int)number("STUB_CAPABILITY", 89);
  (void)device;
  *major = capability / 10;
  *minor = capability % 10;
  return OK;
}

int cuDeviceGetAttribute(int *value, int attribute, int device) {
  int major, minor;
  cuDeviceComputeCapability(&major, &minor, device);
  *value = attribute == MAJOR ? major : attribute == MINOR ? minor : 1;
  return OK;
}

int cuDeviceTotalMem_v2(size_t *bytes, int device) {
  (void)device;
  *bytes = memory();
  return OK;
}

int cuDeviceTotalMem(size_t *bytes, int device) { return cuDeviceTotalMem_v2(bytes, device); }

int cuDevicePrimaryCtxRetain(void **context, int device) {
  static char thing[64];
  (void)device;
  *context = thing;
  return OK;
}

/* With the runtime beside it, what that one holds is no longer free. */
extern _Atomic uint64_t bytes_held __attribute__((weak));

int cuMemGetInfo_v2(size_t *free_bytes, size_t *all) {
  *all = memory();
  *free_bytes = *all - (&bytes_held ? bytes_held : 0);
  return OK;
}

int cuMemGetInfo(size_t *free_bytes, size_t *all) { return cuMemGetInfo_v2(free_bytes, all); }

int cuGetErrorName(int error, const char **name) {
  (void)error;
  *name = "CUDA_ERROR_OF_THE_STUB";
  return OK;
}

int cuGetErrorString(int error, const char **text) {
  (void)error;
  *text = "an error of the stub";
  return OK;
}
