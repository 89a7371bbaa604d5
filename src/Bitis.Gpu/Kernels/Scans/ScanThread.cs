using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Scans;

/// <summary>Which of a scan's threads it is.</summary>
/// <param name="Place">Its number among those of its direction in the block.</param>
/// <param name="Half">Which of the block's directions it has.</param>
/// <param name="Direction">Which of all directions that is.</param>
internal sealed record ScanThread(Register Place, Register Half, Register Direction);
