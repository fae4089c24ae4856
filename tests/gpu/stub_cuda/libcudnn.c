/* cuDNN without a card: as much of it as ONNX Runtime's convolutions and norms ask for.

   What is handed out is never looked into. Numbers of types are those of cuDNN 9's
   cudnn_graph_v9.h. */
#include <stddef.h>
#include <stdint.h>

extern int cudaLaunchKernel(void);

enum { OK = 0, EXECUTION_FAILED = 5000 };
enum { OF_INT64 = 3, OF_DESCRIPTOR = 15, OF_INT32 = 23, KNOB_CHOICES = 302 };

static int hand_out(void **made) {
  static char thing[64];
  *made = thing;
  return OK;
}

size_t cudnnGetVersion(void) { return 91300; }

const char *cudnnGetErrorString(int status) { return status ? "a status of the stub" : "OK"; }

void cudnnGetLastErrorString(char *text, size_t size) {
  if (size) *text = 0;
}

int cudnnCreate(void **handle) { return hand_out(handle); }

int cudnnDestroy(void) { return OK; }

int cudnnSetStream(void) { return OK; }

int cudnnGetStream(void *handle, void **stream) {
  (void)handle;
  *stream = NULL;
  return OK;
}

int cudnnCreateTensorDescriptor(void **made) { return hand_out(made); }

int cudnnSetTensorNdDescriptor(void) { return OK; }

int cudnnDestroyTensorDescriptor(void) { return OK; }

int cudnnCreateFilterDescriptor(void **made) { return hand_out(made); }

int cudnnSetFilterNdDescriptor(void) { return OK; }

int cudnnDestroyFilterDescriptor(void) { return OK; }

int cudnnAddTensor(void) { return cudaLaunchKernel() ? EXECUTION_FAILED : OK; }

int cudnnCreateReduceTensorDescriptor(void **made) { return hand_out(made); }

int cudnnSetReduceTensorDescriptor(void) { return OK; }

int cudnnDestroyReduceTensorDescriptor(void) { return OK; }

int cudnnGetReductionWorkspaceSize(void *handle, void *how, void *from, void *to, size_t *bytes) {
  (void)handle, (void)how, (void)from, (void)to;
  *bytes = 0;
  return OK;
}

int cudnnGetReductionIndicesSize(void *handle, void *how, void *from, void *to, size_t *bytes) {
  return cudnnGetReductionWorkspaceSize(handle, how, from, to, bytes);
}

int cudnnReduceTensor(void) { return cudaLaunchKernel() ? EXECUTION_FAILED : OK; }

int cudnnBackendCreateDescriptor(int kind, void **made) {
  (void)kind;
  return hand_out(made);
}

int cudnnBackendDestroyDescriptor(void) { return OK; }

int cudnnBackendSetAttribute(void) { return OK; }

int cudnnBackendFinalize(void) { return OK; }

/* There is one engine with one configuration, of which there is nothing to say or choose. */
int cudnnBackendGetAttribute(void *of, int name, int type, int64_t wanted, int64_t *count,
                             void *values) {
  (void)of;
  if (count) *count = type == OF_DESCRIPTOR && name != KNOB_CHOICES;
  if (type == OF_INT64 && wanted > 0 && values) *(int64_t *)values = 0;
  if (type == OF_INT32 && wanted > 0 && values) *(int32_t *)values = 0;
  return OK;
}

int cudnnBackendExecute(void) { return cudaLaunchKernel() ? EXECUTION_FAILED : OK; }

int cudnnCreatePoolingDescriptor(void **made) { return hand_out(made); }

int cudnnSetPoolingNdDescriptor(void) { return OK; }

int cudnnDestroyPoolingDescriptor(void) { return OK; }

int cudnnPoolingForward(void) { return cudaLaunchKernel() ? EXECUTION_FAILED : OK; }
