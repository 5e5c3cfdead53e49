"""Running programs, also those that want a terminal."""
import os
import subprocess

from mail import wait_for


def run(*command, data=None, seconds=30, check=True, **options):
    done = subprocess.run([str(part) for part in command], input=data, capture_output=True,
                          timeout=seconds, **options)
    assert not check or done.returncode == 0, (command, done.stdout, done.stderr)
    return done


class Screen:
    """A terminal of 100 by 30 with one program in it."""

    def __init__(self, tmp_path, command):
        self.tmux = ['tmux', '-S', str(tmp_path / 'tmux'), '-f', '/dev/null']
        run(*self.tmux, 'new-session', '-d', '-x', '100', '-y', '30', command,
            env=dict(os.environ, LC_ALL='C.UTF-8'))

    def text(self):
        return run(*self.tmux, 'capture-pane', '-p', check=False).stdout.decode()

    def keys(self, *keys):
        run(*self.tmux, 'send-keys', *keys)

    def shows(self, *words, seconds=15):
        wait_for(lambda: all(word in self.text() for word in words), seconds,
                 lambda: f'{words} in:\n{self.text()}')

    def close(self):
        run(*self.tmux, 'kill-server', check=False)
