/* NVML without a card: what is free, for whoever asks without starting CUDA.

   nvmlMemory_t is three 64-bit numbers: all, free, used (nvml.h). */
#include <stdint.h>
#include <stdlib.h>

extern _Atomic uint64_t bytes_held __attribute__((weak)); /* of the runtime, where that is loaded */

int nvmlInit_v2(void) { return 0; }

int nvmlShutdown(void) { return 0; }

int nvmlDeviceGetHandleByPciBusId_v2(const char *bus, void **device) {
  static char thing[64];
  (void)bus;
  *device = thing;
  return 0;
}

int nvmlDeviceGetMemoryInfo(void *device, uint64_t *memory) {
  const char *text = getenv("STUB_MEMORY");
  (void)device;
  memory[0] = text ? strtoull(text, NULL, 10) : 8ull << 30;
  memory[2] = &bytes_held ? bytes_held : 0;
  memory[1] = memory[0] - memory[2];
  return 0;
}
