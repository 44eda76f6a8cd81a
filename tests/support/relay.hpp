// A network that a test can hold up, cut and look into.
#pragma once

#include <atomic>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tcp.hpp"

/// Passes on all connections: connect to endpoint() instead of `target`, a tcp endpoint.
class Relay {
 public:
    /// Each of the first connections gets one of the odd answers, and ends.
    explicit Relay(const std::string& target, const std::vector<std::string>& odd_answers = {});
    ~Relay();
    const std::string& endpoint() const { return listener_.endpoint(); }

    /// From here on nothing passes in either direction. New connections are still taken.
    void hold_up() { set_held(true); }
    void let_through() { set_held(false); }
    /// Ends every connection that there is, as a broken network does.
    void cut();
    /// Returns all bytes that have passed so far, in both directions.
    std::string bytes();

 private:
    struct Connection {
        RawPeer near, far;
    };
    void set_held(bool held);
    void step();
    void take();
    /// Passes on all bytes that have come. Returns false at the end of the connection.
    bool pass(RawPeer& from, RawPeer& to);

    const Listener listener_;
    const std::string target_;
    std::vector<std::string> odd_answers_;
    std::mutex mutex_;  // for all below
    std::list<Connection> connections_;
    bool held_ = false;
    std::string bytes_;
    std::atomic<bool> ends_ = false;
    std::thread thread_;
};
