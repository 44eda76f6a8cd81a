#include <exception>

#include "common.hpp"
#include "internal.hpp"

std::string printable(std::string_view bytes) {
    constexpr size_t most = 200;
    constexpr char hex[] = "0123456789abcdef";
    std::string shown;
    for (const char c : bytes.substr(0, most)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte > 0x7e)
            shown.append("\\x").append(1, hex[byte >> 4]).append(1, hex[byte & 15]);
        else
            shown.append(c == '\\' ? 2 : 1, c);
    }
    if (bytes.size() > most) shown += "... (" + std::to_string(bytes.size()) + " bytes)";
    return shown;
}

void print_error(const std::string& line) {
    std::fprintf(stderr, "%s: %s\n", program.c_str(), line.c_str());
}

void print_listening(void* socket) {
    char endpoint[1024];
    size_t size = sizeof endpoint;
    check(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size));
    std::printf("listening on %s\n", endpoint);
}

Summary::~Summary() {
    // An error that came before the first message needs no summary.
    if (std::uncaught_exceptions() > 0 && count() == 0 && !interrupted()) return;
    std::string line = std::to_string(count()) + " ";
    if (of_ > 0) line += "of " + std::to_string(of_) + " ";
    line += of_ == 0 && count() == 1 ? one_ : many_;
    const std::chrono::duration<double> passed = Clock::now() - start_;
    if (quiet)
        std::printf("%s in %.6f s, %.0f/s\n", line.c_str(), passed.count(),
                    static_cast<double>(count()) / passed.count());
    else
        std::printf("%s\n", line.c_str());
}
