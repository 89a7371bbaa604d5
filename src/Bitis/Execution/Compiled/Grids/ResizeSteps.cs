using Bitis.Graphs.Operators.Grids;
using Bitis.Kernels.Grids;
using Bitis.Kernels.Memory;

namespace Bitis.Execution.Compiled.Grids;

/// <summary>The tables of a bilinear interpolation.</summary>
internal static class ResizeSteps
{
    /// <summary>Where the rows or columns of an output lie in the input.</summary>
    /// <param name="size">The input's height or width.</param>
    /// <param name="outSize">The output's.</param>
    public static NativeBuffer<ResizeStep> Of(int size, int outSize)
    {
        var steps = new NativeBuffer<ResizeStep>(outSize);
        for (int i = 0; i < outSize; i++)
        {
            (int first, int second, double share) = GridResize.Source(i, size, outSize);
            steps.Span[i] = new ResizeStep(first, second, (float)(1 - share), (float)share);
        }
        return steps;
    }
}
