using System.Runtime.CompilerServices;
using Bitis.Models.Vim;

namespace Bitis.Gpu.Tests.Driver;

/// <summary>A program that uses a session and never disposes it: <see cref="FakeDriverTests"/> starts it.</summary>
internal static class AbandonedSession
{
    private static int Main()
    {
        Use();
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        return 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Use()
    {
        var config = new VimConfig
        {
            ImageSize = 8,
            PatchSize = 4,
            Stride = 4,
            Width = 16,
            Depth = 1,
            InnerWidth = 32,
            DeltaRank = 1,
            Classes = 3,
        };
        VisionModel model = VisionModel.CreateRandom(config, seed: 1);
        InferenceSession session = InferenceSession.Create(model, new GpuOptions());
        session.Run(new FloatTensor(config.InputShape.Prepend(1)));
        session.Run(new FloatTensor(config.InputShape.Prepend(2)));
    }
}
