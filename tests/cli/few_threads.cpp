/// LD_PRELOAD=libfew_threads.so THREADS=N: the program gets N threads, and is refused the next as by a machine that has no more.

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <dlfcn.h>
#include <pthread.h>

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                              void* argument) {
    using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
    static const auto create = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
    static std::atomic<int> left{std::atoi(std::getenv("THREADS"))};  // NOLINT(concurrency-mt-unsafe): nobody sets it
    return left-- > 0 ? create(thread, attributes, run, argument) : EAGAIN;
}
