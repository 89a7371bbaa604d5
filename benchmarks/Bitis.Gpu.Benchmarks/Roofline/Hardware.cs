using Bitis.Gpu.Devices;

namespace Bitis.Gpu.Benchmarks.Roofline;

/// <summary>What a GPU can do at most, by its maker's numbers.</summary>
/// <param name="Name">A part of the name that its driver gives.</param>
/// <param name="Multiprocessors">How many multiprocessors it has.</param>
/// <param name="Clock">Its cycles a second under load.</param>
/// <param name="Bandwidth">Bytes of memory a second.</param>
/// <param name="HalfOperations">Operations a second of float16 products with float32 sums on tensor cores.</param>
/// <param name="LevelOperations">Operations a second of 8-bit products on tensor cores.</param>
/// <param name="Lanes">Float32 instructions a cycle of a multiprocessor.</param>
internal sealed record Hardware(
    string Name, int Multiprocessors, double Clock, double Bandwidth, double HalfOperations, double LevelOperations,
    int Lanes)
{
    /// <summary>Exponentials, logarithms and reciprocals a cycle of a multiprocessor, on all of these GPUs.</summary>
    private const int SpecialLanes = 16;

    /// <summary>GPUs by their makers' numbers, without sparsity.</summary>
    public static IReadOnlyList<Hardware> All { get; } =
    [
        new("H200", 132, 1.755e9, 4.8e12, 989e12, 1979e12, 128),
        new("H100", 132, 1.755e9, 3.35e12, 989e12, 1979e12, 128),
        new("A100", 108, 1.41e9, 2.039e12, 312e12, 624e12, 64),
        new("RTX 4090", 128, 2.52e9, 1.008e12, 165e12, 660e12, 128),
        new("RTX 3090", 82, 1.695e9, 0.936e12, 71e12, 284e12, 128),
    ];

    /// <summary>The numbers of a device; null if they are not known.</summary>
    public static Hardware? Of(GpuDevice device) =>
        All.FirstOrDefault(hardware => device.Name.Contains(hardware.Name, StringComparison.Ordinal));

    /// <summary>The least time of a launch in seconds, and what it is bound by.</summary>
    public (double Seconds, string By) Bound(KernelCost cost)
    {
        double cycles = Multiprocessors * Clock;
        (double Seconds, string By)[] bounds =
        [
            (cost.Bytes / Bandwidth, "memory"),
            (cost.HalfOperations / HalfOperations, "float16 products"),
            (cost.LevelOperations / LevelOperations, "8-bit products"),
            (cost.Exponentials / (SpecialLanes * cycles), "exponentials"),
            (cost.Instructions / (Lanes * cycles), "instructions"),
        ];
        return bounds.MaxBy(bound => bound.Seconds);
    }
}
