/* cuBLAS without a card: products of matrices are counted, as launches of the runtime's. */
extern int cudaLaunchKernel(void);

int cublasCreate_v2(void **made) {
  static char thing[64];
  *made = thing;
  return 0;
}

const char *cublasGetStatusName(int status) {
  (void)status;
  return "CUBLAS_STATUS_OF_THE_STUB";
}

const char *cublasGetStatusString(int status) {
  (void)status;
  return "a status of the stub";
}

/* 13 is CUBLAS_STATUS_EXECUTION_FAILED, the status after a crash on the card. */
static int multiply(void) { return cudaLaunchKernel() ? 13 : 0; }

int cublasSgemm_v2(void) { return multiply(); }

int cublasGemmEx(void) { return multiply(); }

int cublasSgemmStridedBatched(void) { return multiply(); }

int cublasGemmStridedBatchedEx(void) { return multiply(); }

int cublasSgemmBatched(void) { return multiply(); }

int cublasGemmBatchedEx(void) { return multiply(); }
