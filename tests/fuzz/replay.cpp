// Runs the fuzz target over the files of a folder, where there is no libFuzzer.
#include <cstdint>
#include <filesystem>

#include "process.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size);

int main(int, char** argv) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
        const std::string bytes = read_file(entry.path());
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    }
}
