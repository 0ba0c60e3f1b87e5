# How every target of alpha is compiled. Determinism comes first: no fused multiply-add, no fast-math, asserts stay on.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

option(ALPHA_WERROR "Treat warnings as errors" OFF)
option(ALPHA_FUZZ "Build the fuzz targets with libFuzzer, which only clang has, and no other tests" OFF)
set(ALPHA_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")

find_program(ALPHA_CCACHE ccache)
if(ALPHA_CCACHE)
    # Without this, ccache keeps nothing that was compiled with a precompiled header; and what one copy of the sources compiled is
    # not compiled again in another.
    set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros
                                    "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" "${ALPHA_CCACHE}")
endif()
find_program(ALPHA_MOLD mold)
if(ALPHA_MOLD)
    add_link_options(-fuse-ld=mold)
endif()

add_library(alpha_options INTERFACE)
target_include_directories(alpha_options INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_options(alpha_options INTERFACE -ffp-contract=off -fno-fast-math)
add_library(alpha_warnings INTERFACE)
target_compile_options(
    alpha_warnings
    INTERFACE -Wall
              -Wextra
              -Wpedantic
              -Wshadow
              -Wconversion
              -Wsign-conversion
              -Wnon-virtual-dtor
              -Woverloaded-virtual
              -Wimplicit-fallthrough
              -Wcast-align
              # GCC 12 sees overlapping copies in "text" + std::string (its bug 105651).
              $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
              $<$<BOOL:${ALPHA_WERROR}>:-Werror>)
if(ALPHA_SANITIZE)
    add_compile_options(-fsanitize=${ALPHA_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${ALPHA_SANITIZE})
endif()
if(ALPHA_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# alpha_library(NAME SOURCES a.cpp b.cpp [DEPENDS other ...]): one library a folder, sources named one by one.
function(alpha_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    target_link_libraries(${name} PUBLIC alpha_options ${ARG_DEPENDS} PRIVATE alpha_warnings ${ARG_PRIVATE_DEPENDS})
endfunction()

# alpha_test(NAME SOURCES ... DEPENDS ...): a Catch2 program whose cases CTest runs one by one.
function(alpha_test name)
    cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE alpha_options alpha_warnings Catch2::Catch2WithMain ${ARG_DEPENDS})
    target_precompile_headers(${name} REUSE_FROM alpha_test_precompiled)
    set(timeout_s 120)
    if(ALPHA_SANITIZE) # whole programs are several times slower
        set(timeout_s 300)
    endif()
    # A name that finds no test is a failure: CMake cuts one at a semicolon.
    catch_discover_tests(${name} TEST_PREFIX "${name}: " EXTRA_ARGS -w NoTests PROPERTIES TIMEOUT ${timeout_s})
endfunction()
