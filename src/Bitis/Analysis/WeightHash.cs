using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Bitis.Tensors;

namespace Bitis.Analysis;

/// <summary>Adds models to the digests by which finished work is recognized.</summary>
internal static class WeightHash
{
    /// <summary>Adds all weights with their names, in the order of the names.</summary>
    public static void AppendWeights(this IncrementalHash hash, VisionModel model)
    {
        foreach ((string name, FloatTensor weight) in model.Weights.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(name));
            hash.AppendData(MemoryMarshal.AsBytes(weight.Span));
        }
    }
}
