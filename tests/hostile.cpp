// Peers that complete the handshake and then send messages that no program expects, come in great
// numbers, or announce too much. Then a whole pattern must do all its work, and neither memory nor
// descriptors may be lost. tests/programs.cpp has the peers that do not speak ZeroMQ.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "handshake.hpp"
#include "patterns.hpp"

namespace {

bool soak() { return std::getenv("SOAK") != nullptr; }

std::string folder_of(const Process& process) { return "/proc/" + std::to_string(process.id()); }

/// The most memory that a process has ever used, in MB.
int memory(const Process& process) {
    std::ifstream in(folder_of(process) + "/status");
    for (std::string word; in >> word;)
        if (word == "VmHWM:") {
            int kb = 0;
            in >> kb;
            return kb / 1024;
        }
    throw std::runtime_error("no VmHWM");
}

size_t descriptors(const Running& running) {
    std::ptrdiff_t all = 0;
    for (const auto& process : running.processes)
        all += std::distance(std::filesystem::directory_iterator(folder_of(process) + "/fd"), {});
    return static_cast<size_t>(all);
}

/// Does `abuse` to each endpoint that a pattern binds; then the pattern must do all its work.
void each_abused(int most_memory,
                 const std::function<void(const Running&, const std::string& endpoint)>& abuse) {
    each_pattern([&](Pattern pattern) {
        // A plain REP of libzmq may lose a reply after such a peer, so clients must ask again.
        for (auto& part : pattern.parts)
            if (part.summary.find("replies") != std::string::npos && pattern.name[0] != 'c') {
                part.path = "retry-req-rep/client";
                part.arguments += " --timeout 200";
                part.summary = "10 replies";
            }
        Running running(pattern);
        running.start_those_that(true);
        for (const auto& [name, endpoint] : running.endpoints) abuse(running, endpoint);
        for (const auto& process : running.processes) CHECK(memory(process) < most_memory);
        running.start_those_that(false);
        running.check_end();
    });
}

/// Goes through the handshake as a peer of a type that fits. Returns false if it cannot, because
/// the server wants CURVE, or must not, because a sender would take it for a worker.
bool join(RawPeer& peer) {
    static const std::map<std::string, std::string> fitting = {
        {"REP", "REQ"},   {"PUB", "SUB"},       {"XPUB", "SUB"},
        {"PULL", "PUSH"}, {"ROUTER", "DEALER"}, {"DEALER", "REP"}};
    peer.send(zmtp::greeting("NULL", 0));
    const std::string property = "Socket-Type";
    std::string come;
    size_t at;
    while ((at = come.find(property)) == come.npos) {
        const std::string some = peer.receive_some();
        if (some.empty()) return false;
        come += some;
    }
    at += property.size() + 4;  // behind the length of the type, in four bytes
    const auto type = fitting.find(come.substr(at, static_cast<size_t>(come[at - 1])));
    return type != fitting.end() &&
           peer.send(zmtp::frame(zmtp::ready(type->second), zmtp::command));
}

}  // namespace

TEST_CASE("hostile: odd messages do not keep a pattern from its work", "[hostile]") {
    using zmtp::frame, zmtp::more;
    std::mt19937 random(20261126);
    const auto up_to = [&random](unsigned most) {
        return std::uniform_int_distribution<unsigned>(0, most)(random);
    };
    const auto random_bytes = [&] {  // neither a subscription, nor a number, nor empty
        std::string bytes(1, '\x80');
        for (unsigned n = up_to(60); n > 0; --n) bytes += static_cast<char>(random());
        return bytes;
    };
    int joined = 0;
    each_abused(120, [&](const Running&, const std::string& endpoint) {
        RawPeer peer(endpoint), leaves(endpoint);
        if (!join(peer)) return;
        ++joined;
        std::string many;
        for (int n = 0; n < 1000; ++n) many += frame("frame", more);
        for (const auto& message :
             {frame(""), frame(std::string("\0\xff\n\x1b[31m", 8)),
              frame("no delimiter", more) + frame("before this"),
              frame("", more) + frame("", more) + frame("", more) + frame("x"),
              many + frame("the last"), frame("", more) + frame(std::string(1 << 20, 'x')),
              frame(std::string(1 << 20, '\0'))})
            CHECK(peer.send(message));
        for (int n = soak() ? 20000 : 200; n > 0; --n) {
            std::string message;
            for (unsigned frames = up_to(5); frames > 0; --frames)
                message += frame(up_to(3) == 0 ? "" : random_bytes(), more);
            CHECK(peer.send(message + frame(random_bytes())));
        }
        join(leaves);
        leaves.send(frame("Hello").substr(0, 5));
    });
    CHECK(joined > 15);
}

TEST_CASE("hostile: many connections leave nothing behind", "[hostile]") {
    each_abused(120, [](const Running& running, const std::string& endpoint) {
        const size_t before = descriptors(running);
        for (int n = soak() ? 1000 : 50; n > 0; --n) {
            RawPeer peer(endpoint);
            if (n % 4 == 1) peer.send(zmtp::greeting().substr(0, 10));
            if (n % 4 == 2) peer.send(zmtp::greeting());
            if (n % 4 == 3) join(peer);
        }
        // The programs' threads may still have been about to open theirs.
        const auto end = std::chrono::steady_clock::now() + deadline;
        while (descriptors(running) > before + 20) REQUIRE(std::chrono::steady_clock::now() < end);
    });
}

TEST_CASE("hostile: a frame of more than 64 MiB ends its connection, and no smaller one does",
          "[hostile]") {
    constexpr std::uint64_t most = 64 << 20;
    // The flags of a frame and its size in eight bytes.
    const std::string head = zmtp::frame(std::string(most + 1, 'x')).substr(0, 9);
    each_abused(60, [&](const Running&, const std::string& endpoint) {
        RawPeer peer(endpoint);
        if (!join(peer)) return;
        peer.send(head);
        peer.wait_for_end();  // without one more byte of it
    });
    Process server("req-rep/server", {"--bind", any_port});
    Peer client(ZMQ_REQ);
    client.connect(server.endpoint());
    client.send({std::string(most, 'x')});
    CHECK(client.receive() == Frames{"World"});
    // The same limit holds for a program that connects.
    Peer publisher(ZMQ_XPUB);
    Process subscriber("pub-sub/subscriber",
                       {"--connect", publisher.bind(any_port), "--name", "", "--count", "0"});
    CHECK(publisher.receive() == Frames{"\1"});
    publisher.send({std::string(most, 'x')});
    subscriber.wait_for("received xxx");
    publisher.send({std::string(most + 1, 'x')});
    CHECK(publisher.receive() == Frames{std::string(1, '\0')});  // it is gone
}
