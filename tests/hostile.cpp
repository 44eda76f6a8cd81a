// Peers that do not speak ZeroMQ, are of a wrong type, come in great numbers, send messages that no
// program expects, or announce too much. Then a whole pattern must do all its work, and neither
// memory nor descriptors may be lost.
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>
#include <random>

#include "handshake.hpp"
#include "patterns.hpp"
#include "relay.hpp"

namespace {

bool soak() { return std::getenv("SOAK") != nullptr; }

size_t descriptors(const Running& running) {
    std::ptrdiff_t all = 0;
    for (const auto& process : running.processes)
        all += std::distance(
            std::filesystem::directory_iterator("/proc/" + std::to_string(process.id()) + "/fd"),
            {});
    return static_cast<size_t>(all);
}

/// Does `abuse` to each endpoint that a pattern binds; then the pattern must do all its work.
void each_abused(const std::function<void(const Running&, std::string& endpoint)>& abuse) {
    each_pattern([&](Pattern pattern) {
        // A plain REP of libzmq may lose a reply after such a peer, so clients must ask again.
        for (auto& part : pattern.parts)
            if (part.summary.find("replies") != std::string::npos &&
                pattern.name != "curve-req-rep") {
                part.path = "retry-req-rep/client";
                part.arguments += " --timeout 200";
                part.summary = "10 replies";
            }
        Running running(pattern);
        running.start_those_that(true);
        for (auto& [name, endpoint] : running.endpoints) abuse(running, endpoint);
        running.start_those_that(false);
        running.check_end();
    });
    rusage own{}, largest{};  // of the programs, each of which begins as a copy of this process
    must(getrusage(RUSAGE_SELF, &own), "getrusage");
    must(getrusage(RUSAGE_CHILDREN, &largest), "getrusage");
    CHECK(largest.ru_maxrss < own.ru_maxrss + 100 * 1024);  // KB
}

/// Goes through the handshake as a peer of a type that fits. Returns false if it cannot, because
/// the server wants CURVE, or must not, because a sender would take it for a worker.
bool join(RawPeer& peer) {
    static const std::map<std::string, std::string> fitting = {
        {"REP", "REQ"},   {"PUB", "SUB"},       {"XPUB", "SUB"},
        {"PULL", "PUSH"}, {"ROUTER", "DEALER"}, {"DEALER", "REP"}};
    peer.send(zmtp::greeting("NULL", 0));
    const auto type = fitting.find(zmtp::type_of(peer));
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
    const std::string too_large("\2\0\0\0\0\4\0\0\1", 9);  // flags, and a size of 64 MiB + 1
    int joined = 0;
    each_abused([&](const Running&, const std::string& endpoint) {
        RawPeer peer(endpoint), large(endpoint), leaves(endpoint);
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
        join(large);
        large.send(too_large);
        large.wait_for_end();  // without one more byte of it
        join(leaves);
        leaves.send(frame("Hello").substr(0, 5));
    });
    CHECK(joined > 15);
}

TEST_CASE("hostile: many connections of odd peers do no harm and leave nothing behind",
          "[hostile]") {
    const std::vector<std::string> openings = {"", zmtp::greeting().substr(0, 20), zmtp::greeting(),
                                               std::string(1000, '\0'),
                                               "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"};
    std::deque<RawPeer> stay;
    std::deque<Relay> relays;
    each_abused([&](const Running& running, std::string& endpoint) {
        const size_t before = descriptors(running);
        for (const auto& opening : openings) stay.emplace_back(endpoint).send(opening);
        for (const std::string type : {"PAIR", "NONSENSE"}) {
            RawPeer peer(endpoint);
            peer.send(zmtp::handshake(type));
            peer.wait_for_end();
        }
        for (size_t n = soak() ? 1000 : 50; n > 0; --n) {
            RawPeer peer(endpoint);
            if (const size_t kind = n % (openings.size() + 1); kind < openings.size())
                peer.send(openings[kind]);
            else
                join(peer);
        }
        // The programs' threads may still have been about to open theirs.
        const auto end = std::chrono::steady_clock::now() + deadline;
        while (descriptors(running) > before + 20) REQUIRE(std::chrono::steady_clock::now() < end);
        // Programs that connect get odd answers. A secure client would give up: see its folder.
        if (running.pattern.name != "curve-req-rep")
            endpoint = relays.emplace_back(endpoint, Lines{openings[1], openings[2]}).endpoint();
    });
    // A PUSH or DEALER that took it for a worker or a server would send it work.
    for (auto& peer : stay) CHECK(peer.wait_for_end().find("Hello") == std::string::npos);
}

TEST_CASE("hostile: a frame of 64 MiB does no harm", "[hostile]") {
    Process server("req-rep/server", {"--bind", any_port});
    Peer client(ZMQ_REQ);
    client.connect(server.endpoint()).send({std::string(64 << 20, 'x')});
    CHECK(client.receive() == Frames{"World"});
}
