/* cuBLASLt without a card: as cuBLAS. */
#include <string.h>

extern int cudaLaunchKernel(void);

static int hand_out(void **made) {
  static char thing[64];
  *made = thing;
  return 0;
}

int cublasLtCreate(void **made) { return hand_out(made); }

int cublasLtMatmulDescCreate(void **made) { return hand_out(made); }

int cublasLtMatmulPreferenceCreate(void **made) { return hand_out(made); }

int cublasLtMatrixLayoutCreate(void **made) { return hand_out(made); }

int cublasLtMatrixTransformDescCreate(void **made) { return hand_out(made); }

int cublasLtMatmul(void) { return cudaLaunchKernel() ? 13 : 0; }

/* One way to multiply is found, whose description (96 bytes, cublasLt.h) is empty. */
int cublasLtMatmulAlgoGetHeuristic(void *handle, void *operation, void *a, void *b, void *c,
                                   void *d, void *preference, int wanted, void *found,
                                   int *count) {
  (void)handle, (void)operation, (void)a, (void)b, (void)c, (void)d, (void)preference;
  if (wanted > 0) memset(found, 0, 96);
  *count = wanted > 0;
  return 0;
}
