import os, subprocess, pytest
pytestmark = pytest.mark.real
def test_x():
    print(subprocess.run("docker info; docker images; docker run --rm --network host $MLCC_REAL_BASE sh -c 'python -V; pip -V; pip config list; pip download -q --no-deps -d /tmp flask==3.1.3; ls /tmp; ls /etc/apt/sources.list*; cat /etc/apt/sources.list; ulimit -a'; ls -la /etc/docker /run/docker /run/containerd /sys/fs/cgroup/*/mlcc*; ps aux | grep -E 'dockerd|containerd'; ls -la /proc/$$/fd", shell=True, capture_output=True, text=True))
    assert 0
