// Section 5 of the notes: the context and fork.
// No test case has a thread when it forks, unless the threads of a context are its subject.
#include <fcntl.h>
#include <sys/stat.h>

#include <memory>
#include <set>

#include "notes.hpp"

namespace notes {

TEST_CASE("5.1: every socket needs a context", "[notes]") {
    CHECK(zmq_socket(nullptr, ZMQ_REQ) == nullptr);
    CHECK(zmq_errno() == EFAULT);
    void* context = zmq_ctx_new();
    void* socket = zmq_socket(context, ZMQ_REQ);
    CHECK(socket != nullptr);
    CHECK(zmq_close(socket) == 0);
    CHECK(zmq_ctx_term(context) == 0);
}

TEST_CASE("5.1: messages and versions and polls of plain descriptors need no context", "[notes]") {
    int major = 0, minor = 0, patch = 0;
    zmq_version(&major, &minor, &patch);
    CHECK(major == ZMQ_VERSION_MAJOR);
    CHECK(zmq_has("no such thing") == 0);
    CHECK(zmq_has("ipc") == 1);

    zmq_msg_t message;
    CHECK(zmq_msg_init_size(&message, 1000) == 0);
    CHECK(zmq_msg_size(&message) == 1000);
    CHECK(zmq_msg_close(&message) == 0);

    int ends[2];
    REQUIRE(pipe(ends) == 0);
    CHECK(write(ends[1], "x", 1) == 1);
    zmq_pollitem_t item{nullptr, ends[0], ZMQ_POLLIN, 0};
    CHECK(zmq_poll(&item, 1, deadline_ms) == 1);
    CHECK(item.revents == ZMQ_POLLIN);
    close(ends[0]);
    close(ends[1]);
}

TEST_CASE("5.2: zmq_ctx_new makes a context and zmq_ctx_term ends it", "[notes]") {
    // The other two are older names of zmq_ctx_term.
    for (const auto term : {zmq_ctx_term, zmq_ctx_destroy, zmq_term}) {
        void* context = zmq_ctx_new();
        REQUIRE(context != nullptr);
        void* socket = zmq_socket(context, ZMQ_PULL);
        CHECK(zmq_bind(socket, any_port.c_str()) == 0);
        CHECK(zmq_close(socket) == 0);
        CHECK(term(context) == 0);
        CHECK(error_of(term(nullptr)) == EFAULT);
    }
}

TEST_CASE("5.3: with fork each process makes its own context", "[notes]") {
    const Folder folder;
    const std::string endpoint = folder.endpoint("parent");
    Child child([&endpoint](const auto& report) {
        void* context = zmq_ctx_new();
        void* push = zmq_socket(context, ZMQ_PUSH);
        if (zmq_connect(push, endpoint.c_str()) == 0 && zmq_send(push, "hello", 5, 0) == 5)
            report("sent ");
        if (zmq_close(push) == 0 && zmq_ctx_term(context) == 0) report("ended");
    });
    Context context;
    Socket pull(context, ZMQ_PULL);
    pull.bind(endpoint);
    CHECK(receive(pull) == Frames{"hello"});
    CHECK(child.read_all() == "sent ended");
    CHECK(child.wait() == 0);
}

TEST_CASE("5.4: a context made before fork can be started but not ended by the child", "[notes]") {
    const Folder folder;
    const std::string endpoint = folder.endpoint("parent");
    int arrived[2];  // a pipe on which the parent reports the arrival
    REQUIRE(pipe(arrived) == 0);
    void* inherited = zmq_ctx_new();  // no socket yet, so no thread yet
    Child child([&](const auto& report) {
        void* push = zmq_socket(inherited, ZMQ_PUSH);
        if (zmq_connect(push, endpoint.c_str()) == 0 && zmq_send(push, "hello", 5, 0) == 5)
            report("sent ");
        char byte;
        if (read(arrived[0], &byte, 1) == 1) report("arrived ");
        zmq_close(push);
        report("term...");
        int failed = 0;
        for (int i = 0; i < 100; ++i) failed += zmq_ctx_term(inherited) == -1;
        report(std::to_string(failed));
    });
    {
        Context context;
        Socket pull(context, ZMQ_PULL);
        pull.bind(endpoint);
        CHECK(receive(pull) == Frames{"hello"});  // the child has started threads, and they work
        CHECK(write(arrived[1], "x", 1) == 1);
        // But zmq_ctx_term never succeeds: each call fails, or the child is aborted.
        const std::string words = child.read_all();
        // (It may also be aborted after the last call, by a thread of libzmq.)
        const bool aborted = child.wait() == -SIGABRT;
        const std::string before = "sent arrived term...";
        CHECK((words == before + "100" || (aborted && words == before)));
    }
    CHECK(zmq_ctx_term(inherited) == 0);  // the parent's context is unharmed
    close(arrived[0]);
    close(arrived[1]);
}

TEST_CASE("5.4: with an inherited running context calls succeed and nothing leaves the child",
          "[notes]") {
    Context context;
    Socket pull(context, ZMQ_PULL);
    const std::string endpoint = pull.bind(any_port);
    Child child([&context, &endpoint](const auto& report) {
        void* push = zmq_socket(context, ZMQ_PUSH);
        if (push != nullptr) report("socket ");
        if (zmq_connect(push, endpoint.c_str()) == 0) report("connect ");
        if (zmq_send(push, "hello", 5, 0) == 5) report("send ");

        void *left = zmq_socket(context, ZMQ_PAIR), *right = zmq_socket(context, ZMQ_PAIR);
        zmq_bind(left, "inproc://inside");
        zmq_connect(right, "inproc://inside");
        char buffer[1];
        if (zmq_send(left, "x", 1, 0) == 1 && zmq_recv(right, buffer, 1, ZMQ_DONTWAIT) == 1)
            report("inproc ");

        void* own_pull = zmq_socket(context, ZMQ_PULL);  // not even inside the child
        if (zmq_bind(own_pull, any_port.c_str()) == 0) report("bind ");
        char own[64];
        size_t size = sizeof own;
        zmq_getsockopt(own_pull, ZMQ_LAST_ENDPOINT, own, &size);
        void* own_push = zmq_socket(context, ZMQ_PUSH);
        if (zmq_connect(own_push, own) == 0 && zmq_send(own_push, "x", 1, 0) == 1) report("send ");
        const int ms = a_while;
        zmq_setsockopt(own_pull, ZMQ_RCVTIMEO, &ms, sizeof ms);
        report(error_of(zmq_recv(own_pull, buffer, 1, 0)) == EAGAIN ? "nothing" : "something");
    });
    CHECK(child.read_all() == "socket connect send inproc bind send nothing");
    CHECK(child.wait() == 0);
    CHECK(poll(pull, ZMQ_POLLIN, a_while) == 0);

    Socket push(context, ZMQ_PUSH);  // the parent still works
    push.connect(endpoint);
    send(push, {"still here"});
    CHECK(receive(pull) == Frames{"still here"});
}

TEST_CASE("5.4: each receive and poll on an inherited socket fails with EINTR", "[notes]") {
    Context context;
    Socket pull(context, ZMQ_PULL), push(context, ZMQ_PUSH);
    push.connect(pull.bind(any_port));
    Child child([&pull](const auto& report) {
        int interrupted = 0;
        char buffer[16];
        for (int i = 0; i < 20; ++i) {
            interrupted += error_of(zmq_recv(pull, buffer, sizeof buffer, 0)) == EINTR;
            interrupted += error_of(zmq_recv(pull, buffer, sizeof buffer, ZMQ_DONTWAIT)) == EINTR;
            zmq_pollitem_t item{pull, 0, ZMQ_POLLIN, 0};
            interrupted += error_of(zmq_poll(&item, 1, 0)) == EINTR;
        }
        report(std::to_string(interrupted));
    });
    CHECK(child.read_all() == "60");
    CHECK(child.wait() == 0);
    send(push, {"hello"});  // the parent still works
    CHECK(receive(pull) == Frames{"hello"});
}

TEST_CASE("5.5: a forked child keeps the parent's port open", "[notes]") {
    std::string endpoint;
    const auto bind_again = [&endpoint] {
        Context context;
        Socket socket(context, ZMQ_PULL);
        return error_of(zmq_bind(socket, endpoint.c_str()));
    };
    const auto listen_and_fork = [&endpoint] {
        Context context;
        Socket pull(context, ZMQ_PULL);
        endpoint = pull.bind(any_port);
        return std::make_unique<Child>([](const auto&) { pause(); });
    };
    auto child = listen_and_fork();
    // The parent has ended its context, but the port is still taken.
    CHECK(bind_again() == EADDRINUSE);
    child.reset();
    CHECK(bind_again() == 0);
}

TEST_CASE("5.5: all descriptors of libzmq are closed by exec", "[notes]") {
    const Folder folder;
    const std::string endpoint = GENERATE(true, false) ? any_port : folder.endpoint("a");
    const auto open_descriptors = [] {
        std::set<int> all;
        for (int fd = 0; fd < 256; ++fd)
            if (fcntl(fd, F_GETFD) != -1) all.insert(fd);
        return all;
    };
    const std::set<int> before = open_descriptors();
    Context context;
    Socket pull(context, ZMQ_PULL), push(context, ZMQ_PUSH);
    push.connect(pull.bind(endpoint));
    send(push, {"connected"});
    receive(pull);
    int sockets = 0, others = 0;
    for (const int fd : open_descriptors()) {
        if (before.count(fd) == 1) continue;
        struct stat what {};
        REQUIRE(fstat(fd, &what) == 0);
        ++(S_ISSOCK(what.st_mode) ? sockets : others);
        INFO("descriptor " << fd);
        CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    }
    CHECK(sockets >= 3);  // the listener, and both ends of the connection
    CHECK(others >= 1);   // its threads wait on these
}

}  // namespace notes
