/// Runs a target over the files and folders that are named: its committed corpus as an ordinary test, and an input that
/// libFuzzer found in a build without it.

#include "tests/fuzz/input.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace {

std::vector<std::filesystem::path> files_of(const std::filesystem::path& path) {
    if (!std::filesystem::is_directory(path)) {
        return {path};
    }
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
        files.push_back(entry.path());
    }
    std::ranges::sort(files);
    return files;
}

}  // namespace

int main(int argc, char** argv) {
    std::size_t ran = 0;
    for (int i = 1; i < argc; ++i) {
        for (const std::filesystem::path& file : files_of(argv[i])) {
            // Said before it runs: the last one named is the one that aborted.
            std::printf("%s\n", file.c_str());
            static_cast<void>(std::fflush(stdout));
            std::ifstream in(file, std::ios::binary);
            const std::vector<char> bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
            if (!in.is_open() || in.bad()) {
                static_cast<void>(std::fprintf(stderr, "%s cannot be read.\n", file.c_str()));
                return 2;
            }
            LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
            ++ran;
        }
    }
    std::printf("%zu inputs\n", ran);
    if (ran == 0) {
        static_cast<void>(std::fprintf(stderr, "No input was found; name files, or a folder that holds some.\n"));
        return 2;
    }
    return 0;
}
