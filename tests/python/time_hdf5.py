"""Times h5py, one thread, on the volume that `cargo bench -p hooke-io --bench hdf5` leaves.

    python tests/python/time_hdf5.py
"""

import time

import h5py
import numpy as np

volume = np.load("/dev/shm/hooke-bench.npy")
path = "/dev/shm/hooke-bench.h5"


def best(task, times=5):
    seconds = []
    for _ in range(times):
        begin = time.perf_counter()
        task()
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def write():
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "image", data=volume, chunks=(32, 64, 64), compression="gzip", compression_opts=4, shuffle=True
        )


def read():
    with h5py.File(path) as file:
        file["image"][...]


for name, task in [("copy", volume.copy), ("write", write), ("read", read)]:
    print(f"h5py {name}: {volume.nbytes / best(task) / 1e6:.0f} MB/s")
